// Runs the TypeScript SDK's own demo server, unmodified, and says when it answers.
// Arguments are passed on to the demo, for example --oauth-strict.
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { announce, endWithTest } from './ready.mjs';

const demo = fileURLToPath(import.meta.resolve('@modelcontextprotocol/sdk/examples/server/simpleStreamableHttp.js'));

// The demo cannot listen on port 0. Both ports are held until both are known.
function freePorts(count) {
  const servers = Array.from({ length: count }, () => createServer().listen(0));
  return Promise.all(
    servers.map((server) => new Promise((resolve, reject) => server.on('error', reject).on('listening', () => resolve(server.address().port)))),
  ).then(async (ports) => {
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    return ports;
  });
}

const free = await freePorts(2);
const mcpPort = process.env.MCP_PORT || String(free[0]);
const authPort = process.env.MCP_AUTH_PORT || String(free[1]);
// The demo names itself localhost, and its resource and issuer say so.
const mcpUrl = `http://localhost:${mcpPort}/mcp`;
const issuer = `http://localhost:${authPort}/`;

// The channel closes with this process even when it is killed, and the demo follows.
const endWithParent = 'data:text/javascript,process.once("disconnect",()=>process.exit())';
const child = spawn(process.execPath, ['--import', endWithParent, demo, '--oauth', ...process.argv.slice(2)], {
  env: { ...process.env, MCP_PORT: mcpPort, MCP_AUTH_PORT: authPort },
  // The demo's chatter goes to stderr: stdout is for the ready line.
  stdio: ['ignore', process.stderr, process.stderr, 'ipc'],
});
child.on('exit', (code, signal) => {
  console.error(`demo server ended: ${signal ?? code}`);
  process.exit(1);
});

const stop = () => {
  child.removeAllListeners('exit');
  child.once('exit', () => process.exit(0)).kill();
};
endWithTest(stop);
process.on('SIGTERM', stop);
process.on('SIGINT', stop);

const answers = async (url, status) => {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
    await response.body?.cancel();
    return response.status === status;
  } catch {
    return false;
  }
};
const deadline = Date.now() + 20_000;
while (!((await answers(mcpUrl, 401)) && (await answers(new URL('.well-known/oauth-authorization-server', issuer), 200)))) {
  if (Date.now() > deadline) {
    console.error(`demo server did not answer at ${mcpUrl} and ${issuer}`);
    child.removeAllListeners('exit').kill();
    process.exit(1);
  }
  await sleep(100);
}
announce({ mcp_url: mcpUrl, issuer }, ['@modelcontextprotocol/sdk']);
