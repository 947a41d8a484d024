// What every server here does for its test: it says where it is once it answers, and it ends when the test does.
import { readFileSync } from 'node:fs';

// The packages that it is made of, with their versions as installed.
function versions(packages) {
  const manifest = (name) => JSON.parse(readFileSync(new URL(`../node_modules/${name}/package.json`, import.meta.url), 'utf8'));
  return Object.fromEntries(packages.map((name) => [name, manifest(name).version]));
}

// The test reads one line and no more.
export function announce(addresses, packages) {
  console.log(JSON.stringify({ ...addresses, packages: versions(packages) }));
}

// The test holds the other end of stdin: when it ends, however it ends, so does this.
export function endWithTest(stop = () => process.exit(0)) {
  process.stdin.on('close', stop).resume();
}
