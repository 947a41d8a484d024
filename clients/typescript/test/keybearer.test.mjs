// These tests need an agent with the accounts `practice` and `proofs`: `cargo xtask clients` runs them.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Client as ClientOne } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as TransportOne } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { KeybearerAuthProvider, KeybearerOAuthClientProvider, call, headersFor, keybearerFetch } from '@keybearer/client';

const { PRACTICE_URL, PRACTICE_CONTROL, PROOFS_URL, KEYBEARER } = process.env;
const HUNDRED = Array.from({ length: 100 });

/** Tells the practice server what to do, and gives what it has counted. */
async function control(change = {}) {
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(change) };
  return (await fetch(PRACTICE_CONTROL, init)).json();
}

const keybearer = (...words) => promisify(execFile)(KEYBEARER, words);

async function connected(Kind, Transport, options) {
  const client = new Kind({ name: 'test', version: '1.0.0' });
  await client.connect(new Transport(new URL(PRACTICE_URL), options));
  return client;
}

/** A hundred calls with a token that the server has just come to refuse. */
async function outlivesARefusal(client) {
  const before = await control({ expire_all: true });
  await Promise.all(HUNDRED.map(() => client.listTools()));
  const after = await control();
  assert.equal(after.refreshes, before.refreshes + 1);
  assert.ok(after.mcp_rejected > before.mcp_rejected);
  await client.close();
}

/** With other variables, while it runs. */
async function where(variables, act) {
  const before = { ...process.env };
  Object.assign(process.env, variables);
  try {
    await act();
  } finally {
    process.env = before;
  }
}

test('a token that is refused costs one refresh however many use it: fetch, SDK 2', async () => {
  await outlivesARefusal(await connected(Client, StreamableHTTPClientTransport, { fetch: keybearerFetch('practice') }));
});

test('the same: fetch, SDK 1', async () => {
  await outlivesARefusal(await connected(ClientOne, TransportOne, { fetch: keybearerFetch('practice') }));
});

test('the same: AuthProvider, SDK 2', async () => {
  const authProvider = new KeybearerAuthProvider('practice');
  await outlivesARefusal(await connected(Client, StreamableHTTPClientTransport, { authProvider }));
});

test('OAuthClientProvider of SDK 1 has no refresh token, and a refused token costs one call', async () => {
  const authProvider = new KeybearerOAuthClientProvider('practice');
  assert.deepEqual(Object.keys(await authProvider.tokens()), ['access_token', 'token_type']);
  const client = await connected(ClientOne, TransportOne, { authProvider });
  await client.listTools();
  const before = await control({ expire_all: true });
  await assert.rejects(client.listTools(), { code: 'token_refused', retryable: true });
  await client.listTools();
  assert.equal((await control()).refreshes, before.refreshes + 1);
  await client.close();
});

test('a request to another server is not sent', async () => {
  let sent = 0;
  const fetch = keybearerFetch('practice', { fetch: () => (sent += 1) });
  await assert.rejects(fetch('http://127.0.0.1:9/mcp'), { code: 'resource_mismatch' });
  assert.equal(sent, 0);
});

test('a server that wants a proof gets one', async () => {
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } };
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params });
  const headers = { accept: 'application/json, text/event-stream', 'content-type': 'application/json' };
  const fetch = keybearerFetch('proofs');
  for (let turn = 0; turn < 2; turn += 1) assert.equal((await fetch(PROOFS_URL, { method: 'POST', headers, body })).status, 200);
});

test('errors say what they are and what to do', async () => {
  await assert.rejects(headersFor({ account: 'nobody' }), { name: 'KeybearerError', code: 'profile_not_found', action: 'keybearer list' });
  await keybearer('sign-out', 'practice');
  try {
    await assert.rejects(keybearerFetch('practice')(PRACTICE_URL), { code: 'auth_required', action: /keybearer sign-in/ });
  } finally {
    await keybearer('sign-in', 'practice');
  }
});

test('where nobody listens, or others could, nothing is said', async () => {
  const folder = await mkdtemp(join(process.env.XDG_RUNTIME_DIR, 'test-'));
  await where({ KEYBEARER_SOCKET: folder }, async () => {
    await assert.rejects(headersFor({ account: 'practice' }), { code: 'agent_unreachable', action: 'keybearer agent start' });
    await mkdir(join(folder, 'programs'), { mode: 0o700 });
    let callers = 0;
    const server = createServer(() => (callers += 1));
    await new Promise((ready) => server.listen(join(folder, 'programs/agent.v1.sock'), ready));
    await chmod(join(folder, 'programs'), 0o777);
    await assert.rejects(headersFor({ account: 'practice' }), { code: 'agent_unreachable', message: /alone/ });
    await new Promise((closed) => server.close(closed));
    assert.equal(callers, 0);
  });
});

test('whoever leaves waits no longer', async () => {
  await control({ distance_ms: 1000 });
  const renew = { profile: 'practice', force: true };
  const began = Date.now();
  await assert.rejects(call('token.get', renew, AbortSignal.timeout(100)), { name: 'TimeoutError' });
  assert.ok(Date.now() - began < 900);
  // What it began goes on.
  assert.ok((await call('token.get', renew)).generation > 0);
  await control({ distance_ms: 0 });
});

test('the command asks where there is no socket', async () => {
  await where({ KEYBEARER_COMMAND: KEYBEARER }, async () => {
    assert.ok((await headersFor({ account: 'practice' })).headers['Authorization']);
    await assert.rejects(headersFor({ account: 'nobody' }), { code: 'profile_not_found' });
  });
  await where({ KEYBEARER_COMMAND: '/nowhere/keybearer' }, async () => {
    await assert.rejects(headersFor({ account: 'practice' }), { code: 'agent_unreachable' });
  });
});
