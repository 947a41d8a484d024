// The MCP Inspector's command line on one road to a server; prints what it saw there as JSON. See typescript.mjs for the
// argument. It makes one call for each start, shows results alone, and answers no questions.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const road = JSON.parse(process.argv[2]);
const run = promisify(execFile);
const inspector = fileURLToPath(new URL('../node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js', import.meta.url));
const LARGEST = 256 << 20; // bytes that it prints

async function headers() {
  if (!road.headers_from) return road.headers ?? {};
  const [program, ...words] = road.headers_from;
  return JSON.parse((await run(program, words)).stdout);
}

async function target() {
  if (road.command) return [...road.command, '--transport', 'stdio'];
  const named = Object.entries(await headers()).flatMap(([name, value]) => ['--header', `${name}: ${value}`]);
  return ['--server-url', road.url, '--transport', road.transport, ...named];
}

async function ask(...words) {
  const options = ['--protocol-era', road.mode, '--format', 'json', '--quiet'];
  const { stdout } = await run(process.execPath, [inspector, '--cli', ...(await target()), ...words, ...options], { maxBuffer: LARGEST });
  return JSON.parse(stdout);
}

const call = async (name, args) => {
  const answer = await ask('--method', 'tools/call', '--tool-name', name, '--tool-args-json', JSON.stringify(args));
  return (answer.result ?? answer).content[0].text;
};

const listed = await ask('--method', 'tools/list');
const tools = (listed.result ?? listed).tools.map(({ name }) => name).toSorted();
const outlast = await call('outlast', {});
const seen = { tools, outlast, add: await call('add', { a: 2, b: 3 }), count: await call('count', { to: 5, confirmed: false }) };
if (tools.includes('lose')) {
  seen.lose = { closed: await call('lose', { how: 'closed', confirmed: false }), torn: await call('lose', { how: 'torn', confirmed: false }) };
}
// From a process it takes no message of more than 10 MB.
if (tools.includes('large') && !road.command) {
  const text = await call('large', {});
  seen.large = { bytes: Buffer.byteLength(text), sha256: createHash('sha256').update(text).digest('hex') };
}
console.log(JSON.stringify(seen));
