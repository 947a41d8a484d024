// An MCP server with everything that a session can hold, behind a practice server whose tokens last five seconds.
// PRACTICE is the practice server's executable; this starts it, and asks it what each token is worth.
//
// /mcp      version 1 of the official SDK: sessions, event streams that can be resumed, requests to the client
// /sse      the same tools over the transport of 2024-11-05
// /now/mcp  version 2 of the official SDK: the revision of 2026-07-28, which knows no sessions
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import express from 'express';
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { createMcpHandler } from '@modelcontextprotocol/server';
import { announce, endWithTest } from './ready.mjs';
import { Events } from './everything/events.mjs';
import { Session } from './everything/session.mjs';
import { statelessServer } from './everything/stateless.mjs';

const SCOPE = 'mcp:tools';
const TOKEN_LIFETIME = 5; // seconds
const RETRY = 50; // milliseconds until a client comes back to a stream that was cut

const stats = {
  challenged: 0, // requests without a token
  refused: 0, // requests whose token was no good any more
  tokens: 0, // different ones that were good
  opened: 0, // sessions
  closed: 0, // sessions that their client ended
  resumed: 0, // streams that somebody came back to
};

const listener = await new Promise((resolve, reject) => {
  const server = express().listen(0, '127.0.0.1', (error) => (error ? reject(error) : resolve(server)));
});
const origin = `http://127.0.0.1:${listener.address().port}`;
const addresses = { mcp_url: `${origin}/mcp`, sse_url: `${origin}/sse`, now_mcp_url: `${origin}/now/mcp` };

const resources = Object.values(addresses).flatMap((url) => ['--resource', url]);
const practice = spawn(process.env.PRACTICE, ['serve', '--exit-with-parent', '--token-lifetime', String(TOKEN_LIFETIME), ...resources], {
  stdio: ['pipe', 'pipe', 'inherit'],
});
practice.on('exit', () => process.exit(1));
const { issuer } = JSON.parse(await new Promise((resolve) => createInterface(practice.stdout).once('line', resolve)));

// Whether a token is good at this moment.
async function isGood(token) {
  const { status } = await fetch(`${issuer}/gate`, { headers: { authorization: `Bearer ${token}` } });
  return status === 204;
}

const tokens = new Set();

async function guard(req, res, next) {
  const token = /^Bearer (.+)$/.exec(req.headers.authorization ?? '')?.[1];
  if (token && (await isGood(token))) {
    tokens.add(token);
    stats.tokens = tokens.size;
    req.auth = { token, clientId: 'anybody', scopes: [SCOPE] };
    next();
    return;
  }
  token ? stats.refused++ : stats.challenged++;
  const metadata = `${origin}/.well-known/oauth-protected-resource${req.baseUrl}`;
  const error = token ? 'error="invalid_token", ' : '';
  res.status(401).set('WWW-Authenticate', `Bearer ${error}resource_metadata="${metadata}", scope="${SCOPE}"`).end();
}

const app = express();
app.get('/stats', (_req, res) => res.json(stats));
for (const resource of Object.values(addresses)) {
  const { pathname } = new URL(resource);
  app.get(`/.well-known/oauth-protected-resource${pathname}`, (_req, res) => {
    res.json({ resource, authorization_servers: [issuer], scopes_supported: [SCOPE] });
  });
  app.use(pathname, guard);
}

const sessions = new Map();

app.all('/mcp', async (req, res) => {
  const id = req.headers['mcp-session-id'];
  const session = id ? sessions.get(id) : begin();
  if (!session) {
    res.status(404).json({ jsonrpc: '2.0', error: { code: -32001, message: 'Session not found' }, id: null });
    return;
  }
  if (req.method === 'GET' && req.headers['last-event-id']) stats.resumed++;
  if (req.method === 'GET') session.listen();
  if (req.method === 'POST') session.watch(res);
  await session.transport.handleRequest(req, res);
});

function begin() {
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: () => crypto.randomUUID(),
    eventStore: new Events(),
    retryInterval: RETRY,
    onsessioninitialized: (id) => {
      stats.opened++;
      sessions.set(id, session);
    },
    onsessionclosed: () => void stats.closed++,
  });
  const session = new Session(transport, isGood, { canResume: true });
  return session;
}

app.get('/sse', async (_req, res) => {
  const transport = new SSEServerTransport('/sse/messages', res);
  const session = new Session(transport, isGood, { canResume: false });
  sessions.set(transport.sessionId, session);
  stats.opened++;
  res.on('close', () => stats.closed++);
  session.listen();
  await session.connected;
});
app.post('/sse/messages', async (req, res) => {
  const session = sessions.get(req.query.sessionId);
  if (session) await session.transport.handlePostMessage(req, res);
  else res.status(404).end();
});

const now = createMcpHandler(statelessServer(isGood), { legacy: 'reject' });
app.all('/now/mcp', async (req, res) => {
  const left = new AbortController();
  res.on('close', () => left.abort());
  const body = req.method === 'POST' ? Readable.toWeb(req) : undefined;
  const request = new Request(`${origin}${req.originalUrl}`, { method: req.method, headers: req.headers, body, duplex: 'half', signal: left.signal });
  const answer = await now.fetch(request, { authInfo: req.auth });
  res.writeHead(answer.status, Object.fromEntries(answer.headers));
  if (answer.body) Readable.fromWeb(answer.body).on('error', () => res.destroy()).pipe(res);
  else res.end();
});

listener.removeAllListeners('request');
listener.on('request', app);

endWithTest();
announce({ ...addresses, stats: `${origin}/stats` }, ['@modelcontextprotocol/sdk', '@modelcontextprotocol/server']);
