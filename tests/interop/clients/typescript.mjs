// The TypeScript SDK's client on one road to a server; prints what it saw there as JSON.
// The argument says which: {"command": […]} or {"url": …, "headers": {…}, "headers_from": […], "transport": "sse"}.
// "headers_from" is a command that prints headers, asked for each request.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client, SSEClientTransport, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

const road = JSON.parse(process.argv[2]);
const PATIENCE = { timeout: 120_000, maxTotalTimeout: 120_000 };
const LARGEST = 128 << 20; // bytes in a message

async function fetchWithHeaders(url, init = {}) {
  const headers = new Headers(init.headers);
  for (const [name, value] of Object.entries(road.headers ?? {})) headers.set(name, value);
  if (road.headers_from) {
    const [program, ...words] = road.headers_from;
    const { stdout } = await promisify(execFile)(program, words);
    for (const [name, value] of Object.entries(JSON.parse(stdout))) headers.set(name, value);
  }
  return fetch(url, { ...init, headers });
}

function transport() {
  if (road.command) {
    const [command, ...args] = road.command;
    return new StdioClientTransport({ command, args, env: process.env, maxBufferSize: LARGEST });
  }
  const Transport = road.transport === 'sse' ? SSEClientTransport : StreamableHTTPClientTransport;
  return new Transport(new URL(road.url), { fetch: fetchWithHeaders });
}

const client = new Client(
  { name: 'interop-typescript', version: '1.0.0' },
  { capabilities: { sampling: {}, elicitation: { form: {} } }, versionNegotiation: { mode: road.mode ?? 'legacy' } },
);
client.setRequestHandler('sampling/createMessage', ({ params }) => ({
  role: 'assistant',
  model: 'interop-model',
  content: { type: 'text', text: `blue, to ${params.messages[0].content.text}` },
}));
client.setRequestHandler('elicitation/create', ({ params }) => ({ action: 'accept', content: { city: `Oslo, to ${params.message}` } }));
const logged = [];
client.setNotificationHandler('notifications/message', ({ params }) => void logged.push(params.data));

const way = transport();
await client.connect(way);
const seen = { server: client.getServerVersion().name, protocol: client.getNegotiatedProtocolVersion() };
const tools = (await client.listTools()).tools.map(({ name }) => name);
seen.tools = tools.toSorted();

async function call(name, args, options) {
  const { content, isError } = await client.callTool({ name, arguments: args }, { ...PATIENCE, ...options });
  return isError ? `failed: ${content[0].text}` : content[0].text;
}

// The same with the progress that came meanwhile. The tool answers when all of it was seen.
async function callWithProgress(name, args) {
  const progress = [];
  const onprogress = ({ progress: done, total }) => {
    progress.push([done, total]);
    if (done === total) confirmed = call('confirm');
  };
  let confirmed;
  const result = await call(name, { ...args, confirmed: true }, { onprogress });
  await confirmed;
  return { progress, result };
}

async function cancelled() {
  const cancellation = new AbortController();
  const waiting = call('wait', {}, { signal: cancellation.signal, onprogress: () => cancellation.abort('enough') });
  const ended = await waiting.then(
    () => 'an answer',
    () => 'cancelled',
  );
  return { ended, server: await call('was_cancelled') };
}

async function large() {
  const text = await call('large');
  return { bytes: Buffer.byteLength(text), sha256: createHash('sha256').update(text).digest('hex') };
}

async function log() {
  await call('log', { words: 'for nobody in particular' });
  const deadline = Date.now() + PATIENCE.timeout;
  while (logged.length === 0 && Date.now() < deadline) await sleep(10);
  return logged;
}

const scenes = {
  add: () => call('add', { a: 2, b: 3 }),
  count: () => callWithProgress('count', { to: 5 }),
  ask_model: () => call('ask_model'),
  ask_person: () => call('ask_person'),
  outlast: () => call('outlast'),
  lose: async () => ({ closed: await callWithProgress('lose', { how: 'closed' }), torn: await callWithProgress('lose', { how: 'torn' }) }),
  large,
  wait: cancelled,
  log,
};
for (const [name, scene] of Object.entries(scenes)) {
  if (!tools.includes(name)) continue;
  const began = Date.now();
  seen[name] = await scene();
  console.error(`${name}: ${Date.now() - began} ms`);
}

if (way.terminateSession) await way.terminateSession();
await client.close();
console.log(JSON.stringify(seen));
