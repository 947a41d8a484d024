// better-auth with its MCP plugin as authorization server, the official SDK (version 2) behind it. The sign-in and
// consent pages, which every application has to bring, are plain forms.
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { mcp, requireMcpAuth } from '@better-auth/mcp';
import { McpServer, createMcpHandler } from '@modelcontextprotocol/server';
import { betterAuth } from 'better-auth';
import { memoryAdapter } from 'better-auth/adapters/memory';
import { getAuthTables } from 'better-auth/db';
import { toNodeHandler } from 'better-auth/node';
import { jwt } from 'better-auth/plugins';
import { z } from 'zod';
import { announce, endWithTest } from './ready.mjs';

const PERSON = { name: 'Interop', email: 'interop@example.org', password: 'interop-password' };

// Addresses are written into metadata, so listen first and configure after.
const listener = createServer();
await new Promise((resolve, reject) => listener.once('error', reject).listen(0, '127.0.0.1', resolve));
const origin = `http://127.0.0.1:${listener.address().port}`;
const resource = `${origin}/mcp`;

const options = {
  baseURL: origin,
  secret: randomBytes(32).toString('hex'),
  emailAndPassword: { enabled: true },
  logger: { disabled: true },
  telemetry: { enabled: false },
  plugins: [
    jwt(),
    mcp({
      loginPage: '/sign-in',
      consentPage: '/consent',
      resource,
      accessTokenExpiresIn: 20,
      allowDynamicClientRegistration: true,
      allowUnauthenticatedClientRegistration: true,
    }),
  ],
};
const tables = Object.keys(getAuthTables(options)).map((name) => [name, []]);
const auth = betterAuth({ ...options, database: memoryAdapter(Object.fromEntries(tables)) });
await auth.api.signUpEmail({ body: PERSON });

const answers = createMcpHandler(() => {
  const server = new McpServer({ name: 'interop-better-auth', version: '1.0.0' });
  server.registerTool('add', { description: 'Adds two numbers', inputSchema: z.object({ a: z.number(), b: z.number() }) }, ({ a, b }) => ({
    content: [{ type: 'text', text: String(a + b) }],
  }));
  server.registerTool('shout', { description: 'Says it louder', inputSchema: z.object({ words: z.string() }) }, ({ words }) => ({
    content: [{ type: 'text', text: words.toUpperCase() }],
  }));
  return server;
});
const guarded = requireMcpAuth(auth, (request) => answers.fetch(request), { resource });

const page = (form) => new Response(`<!doctype html><title>better-auth</title><form method="post">${form}</form>`, { headers: { 'content-type': 'text/html' } });
const PAGES = {
  '/sign-in': {
    form: '<input type="email" name="email"><input type="password" name="password"><button>Sign in</button>',
    endpoint: '/api/auth/sign-in/email',
    body: (form) => ({ email: form.get('email'), password: form.get('password') }),
  },
  '/consent': {
    form: '<input type="hidden" name="accept" value="yes"><button>Allow</button>',
    endpoint: '/api/auth/oauth2/consent',
    body: (form) => ({ accept: form.get('accept') === 'yes' }),
  },
};

// What the page's script would do with better-auth's client: sends the form with the request that led here, and goes
// where the answer says.
async function submit({ endpoint, body }, request, url) {
  const form = new URLSearchParams(await request.text());
  const answer = await auth.handler(
    new Request(new URL(endpoint, origin), {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin, cookie: request.headers.get('cookie') ?? '' },
      body: JSON.stringify({ ...body(form), oauth_query: url.search.slice(1) }),
    }),
  );
  if (!answer.ok) return answer;
  const { url: next, redirect_uri: back } = await answer.json();
  const headers = new Headers({ location: next ?? back });
  for (const cookie of answer.headers.getSetCookie()) headers.append('set-cookie', cookie);
  return new Response(null, { status: 302, headers });
}

listener.on(
  'request',
  toNodeHandler(async (request) => {
    const url = new URL(request.url);
    if (url.pathname === '/mcp') return guarded(request);
    const shown = PAGES[url.pathname];
    if (!shown) return auth.handler(request);
    return request.method === 'POST' ? submit(shown, request, url) : page(shown.form);
  }),
);

endWithTest();
announce({ mcp_url: resource }, ['better-auth', '@better-auth/mcp', '@modelcontextprotocol/server']);
