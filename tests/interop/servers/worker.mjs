// What runs in workerd: Cloudflare's OAuth provider around an MCP server of the official SDK (version 2).
import { OAuthProvider } from '@cloudflare/workers-oauth-provider';
import { McpServer, createMcpHandler } from '@modelcontextprotocol/server';
import { z } from 'zod';

const SCOPE = 'tools';

function mcpServer() {
  const server = new McpServer({ name: 'interop-workers-oauth-provider', version: '1.0.0' });
  server.registerTool('add', { description: 'Adds two numbers', inputSchema: z.object({ a: z.number(), b: z.number() }) }, ({ a, b }) => ({
    content: [{ type: 'text', text: String(a + b) }],
  }));
  server.registerTool('runtime', { description: 'Where this runs' }, () => ({
    content: [{ type: 'text', text: navigator.userAgent }],
  }));
  return server;
}

const escape = (text) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

// The sign-in and consent page, which every application has to bring.
async function ask(request, oauth) {
  const asked = await oauth.parseAuthRequest(request);
  const { clientName, scope } = await oauth.describeConsent(asked);
  const { handle, headers } = await oauth.beginConsent(asked);
  headers.set('content-type', 'text/html; charset=utf-8');
  const scopes = scope.map((name) => `<label><input type="checkbox" name="scope" value="${escape(name)}" checked> ${escape(name)}</label>`);
  const form = `<input type="hidden" name="handle" value="${escape(handle)}"><input type="text" name="person">${scopes.join('')}<button>Allow</button>`;
  return new Response(`<!doctype html><title>Allow ${escape(clientName)}?</title><form method="post">${form}</form>`, { headers });
}

async function allow(request, oauth) {
  const form = await request.formData();
  const { request: asked, headers } = await oauth.approveConsent(request, form.get('handle'), { scope: form.getAll('scope') });
  const userId = form.get('person');
  const { redirectTo } = await oauth.completeAuthorization({ request: asked, userId, metadata: {}, scope: asked.scope, props: { userId } });
  headers.set('location', redirectTo);
  return new Response(null, { status: 302, headers });
}

const pages = {
  fetch(request, { OAUTH_PROVIDER: oauth }) {
    if (new URL(request.url).pathname !== '/authorize') return new Response('Not found', { status: 404 });
    return request.method === 'POST' ? allow(request, oauth) : ask(request, oauth);
  },
};

const answers = createMcpHandler(mcpServer);

// Its addresses are known only once it runs.
let provider;
const providerAt = (origin) =>
  new OAuthProvider({
    apiRoute: '/mcp',
    apiHandler: { fetch: (request) => answers.fetch(request) },
    defaultHandler: pages,
    authorizeEndpoint: '/authorize',
    tokenEndpoint: '/oauth/token',
    clientRegistrationEndpoint: '/oauth/register',
    accessTokenTTL: 60, // the least that it allows
    scopesSupported: [SCOPE, 'offline_access'],
    requiredScopes: [SCOPE],
    resourceMetadata: { resource: `${origin}/mcp`, authorization_servers: [origin] },
  });

export default {
  fetch(request, env, context) {
    provider ??= providerAt(new URL(request.url).origin);
    return provider.fetch(request, env, context);
  },
};
