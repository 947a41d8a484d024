// An MCP server behind oidc-provider: the authorization server is the library,
// the resource server is the official SDK; this file only joins the two.
import { randomBytes } from 'node:crypto';
import { appendFileSync, mkdtempSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Provider, { errors } from 'oidc-provider';
import { z } from 'zod';
import { InvalidTokenError } from '@modelcontextprotocol/sdk/server/auth/errors.js';
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
import { getOAuthProtectedResourceMetadataUrl, mcpAuthMetadataRouter } from '@modelcontextprotocol/sdk/server/auth/router.js';
import { createMcpExpressApp } from '@modelcontextprotocol/sdk/server/express.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { announce, endWithTest } from './ready.mjs';

// oidc-provider prints its notices with console.info; stdout is for the ready line.
console.info = console.warn;

const SCOPE = 'mcp:tools';
const accessTokenTtl = Number(process.env.ACCESS_TOKEN_TTL ?? 20);
// "offline_access" (default): the library's own rule. A refresh token needs the
// refresh_token grant and the offline_access scope, and the scope only counts
// when the request also says prompt=consent (OpenID Connect Core, section 11).
// "grant": the other usual deployment, every client with the grant gets one.
const refreshTokens = process.env.REFRESH_TOKENS ?? 'offline_access';
// How clients come in: "dynamic" (default), or one way and no other.
// "pushed" takes authorization requests by PAR alone, "document" clients by a metadata document alone: what lies at
// CLIENT_METADATA_URL is read from CLIENT_METADATA_FILE. "by-hand" has one client, which says who it is by the one
// CLIENT_AUTH_METHOD that there is, and "client-credentials" one that signs in for itself. "device" has the device flow
// as well.
const setUp = process.env.SET_UP ?? 'dynamic';
if (!['dynamic', 'pushed', 'document', 'by-hand', 'client-credentials', 'device'].includes(setUp)) throw new Error(`SET_UP: ${setUp} is none`);
if (!Number.isInteger(accessTokenTtl) || accessTokenTtl < 1) throw new Error('ACCESS_TOKEN_TTL: seconds, 1 or more');
if (!['offline_access', 'grant'].includes(refreshTokens)) throw new Error('REFRESH_TOKENS: offline_access or grant');

const stats = {
  registrations: 0,
  documents: 0, // fetched
  pushed: 0, // authorization requests
  devices: 0, // sign-ins by a code
  by_client: 0, // tokens for the client itself
  secret_in_header: 0, // requests for tokens
  secret_in_form: 0,
  code_exchanges: 0,
  refreshes: 0,
  token_errors: 0,
  revocations: 0, // only those that ended a token; RFC 7009 answers 200 to any other too
  challenged: 0, // MCP requests without a token
  accepted: 0,
  rejected: 0, // MCP requests whose token was refused
};

// Paths and outcomes only: queries and bodies hold codes and tokens.
const log = join(mkdtempSync(join(tmpdir(), 'interop-oidc-')), 'requests.log');
const record = (...words) => appendFileSync(log, `${new Date().toISOString()} ${words.join(' ')}\n`);
record('start');

// Both URLs are written into metadata, so listen first and configure after.
const listen = () =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
const authorizationListener = await listen();
const resourceListener = await listen();
const issuer = `http://127.0.0.1:${authorizationListener.address().port}`;
const mcpUrl = new URL(`http://127.0.0.1:${resourceListener.address().port}/mcp`);

const authMethod = process.env.CLIENT_AUTH_METHOD ?? 'client_secret_basic';
const introspector = { id: 'mcp-server', secret: randomBytes(32).toString('hex') };
// A client that was registered by hand, if somebody names its redirect address or it needs none.
const redirectUris = process.env.CLIENT_REDIRECT_URI ? [process.env.CLIENT_REDIRECT_URI] : [];
const forItself = setUp === 'client-credentials';
const registered = (forItself || redirectUris.length > 0) && { id: 'by-hand', secret: randomBytes(32).toString('hex') };

// What a metadata document's host would answer.
function clientMetadata() {
  stats.documents++;
  return new Response(readFileSync(process.env.CLIENT_METADATA_FILE), { headers: { 'content-type': 'application/json' } });
}

const provider = new Provider(issuer, {
  clients: [
    {
      // The MCP server itself, which only asks about tokens.
      client_id: introspector.id,
      client_secret: introspector.secret,
      token_endpoint_auth_method: authMethod,
      grant_types: [],
      response_types: [],
      redirect_uris: [],
    },
    ...(registered
      ? [
          {
            client_id: registered.id,
            client_secret: registered.secret,
            grant_types: forItself ? ['client_credentials'] : ['authorization_code', 'refresh_token'],
            response_types: forItself ? [] : ['code'],
            redirect_uris: redirectUris,
            token_endpoint_auth_method: authMethod,
            ...(setUp === 'by-hand' && { application_type: 'native' }),
          },
        ]
      : []),
  ],
  cookies: { keys: [randomBytes(32).toString('hex')] },
  // Any name signs in: several accounts on one server need several people.
  findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  pkce: { required: () => true },
  rotateRefreshToken: true,
  ...(refreshTokens === 'grant' && {
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
  }),
  ...(setUp === 'by-hand' && { clientAuthMethods: [authMethod] }),
  ttl: { AccessToken: accessTokenTtl, ClientCredentials: accessTokenTtl },
  fetch: (url, options) => (String(url) === process.env.CLIENT_METADATA_URL ? clientMetadata() : fetch(url, options)),
  features: {
    devInteractions: { enabled: true },
    registration: { enabled: ['dynamic', 'pushed', 'device'].includes(setUp) },
    pushedAuthorizationRequests: { enabled: setUp === 'pushed', requirePushedAuthorizationRequests: setUp === 'pushed' },
    clientIdMetadataDocument: { enabled: setUp === 'document', ack: 'draft-02' },
    clientCredentials: { enabled: forItself },
    deviceFlow: { enabled: setUp === 'device' },
    revocation: { enabled: true },
    introspection: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo(_ctx, resource) {
        if (resource !== mcpUrl.href) throw new errors.InvalidTarget();
        // Opaque, so that a revoked token is refused at once and not only when it expires.
        return { scope: SCOPE, audience: mcpUrl.href, accessTokenFormat: 'opaque' };
      },
    },
  },
});

provider.on('registration_create.success', () => stats.registrations++);
provider.on('grant.success', (ctx) => {
  if (ctx.oidc.params.grant_type === 'authorization_code') stats.code_exchanges++;
  if (ctx.oidc.params.grant_type === 'refresh_token') stats.refreshes++;
  if (ctx.oidc.params.grant_type === 'client_credentials') stats.by_client++;
  if (ctx.oidc.params.grant_type.endsWith(':device_code')) stats.devices++;
});
provider.on('pushed_authorization_request.success', () => stats.pushed++);
provider.on('grant.error', () => stats.token_errors++);
for (const step of ['registration_create', 'authorization', 'grant', 'revocation', 'introspection']) {
  provider.on(`${step}.error`, (_ctx, e) => record('authorization', `${step}:`, e.message, e.error_description, e.error_detail ?? ''));
}
provider.on('server_error', (_ctx, e) => record('authorization', e.stack));
provider.use(async (ctx, next) => {
  await next();
  record('authorization', ctx.method, ctx.path, ctx.status);
  // The library takes a secret in either place, whichever is assigned.
  const { body, client } = ctx.oidc ?? {};
  if (ctx.oidc?.route === 'token' && client?.clientId === registered?.id) {
    if (ctx.headers.authorization) stats.secret_in_header++;
    if (body?.client_secret) stats.secret_in_form++;
  }
  if (ctx.oidc?.route !== 'revocation' || ctx.status !== 200) return;
  const token = ctx.oidc.entities.RefreshToken ?? ctx.oidc.entities.AccessToken;
  if (token?.clientId === ctx.oidc.client.clientId) stats.revocations++;
});
authorizationListener.on('request', provider.callback());

// The SDK republishes the authorization server's metadata; let it be the real document.
const oauthMetadata = await (await fetch(`${issuer}/.well-known/oauth-authorization-server`)).json();

const verifier = {
  async verifyAccessToken(token) {
    const response = await fetch(oauthMetadata.introspection_endpoint, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${introspector.id}:${introspector.secret}`)}` },
      body: new URLSearchParams({ token, token_type_hint: 'access_token' }),
    });
    const info = response.ok ? await response.json() : { active: false };
    if (!info.active) throw new InvalidTokenError('Token is not active');
    return {
      token,
      clientId: info.client_id,
      scopes: info.scope?.split(' ') ?? [],
      expiresAt: info.exp,
      resource: info.aud ? new URL(info.aud) : undefined,
      extra: { account: info.sub ?? info.client_id },
    };
  },
};

function mcpServer() {
  const server = new McpServer({ name: 'interop-oidc-provider', version: '1.0.0' });
  server.registerTool('whoami', { description: 'The account that signed in' }, ({ authInfo }) => ({
    content: [{ type: 'text', text: authInfo.extra.account }],
  }));
  server.registerTool('add', { description: 'Adds two numbers', inputSchema: { a: z.number(), b: z.number() } }, ({ a, b }) => ({
    content: [{ type: 'text', text: String(a + b) }],
  }));
  return server;
}

const app = createMcpExpressApp({ host: '127.0.0.1' });
app.use((req, res, next) => {
  const { path } = req; // routers shorten it later
  res.on('finish', () => record('resource', req.method, path, res.statusCode));
  next();
});
app.get('/stats', (_req, res) => res.json(stats));
app.use(mcpAuthMetadataRouter({ oauthMetadata, resourceServerUrl: mcpUrl, scopesSupported: [SCOPE], resourceName: 'Interop MCP server' }));
app.use('/mcp', (req, res, next) => {
  res.on('finish', () => {
    if (!req.headers.authorization) stats.challenged++;
    else if (req.auth) stats.accepted++;
    else stats.rejected++;
  });
  next();
});
app.use(
  '/mcp',
  requireBearerAuth({
    verifier,
    requiredScopes: [SCOPE],
    resourceMetadataUrl: getOAuthProtectedResourceMetadataUrl(mcpUrl),
    expectedResource: mcpUrl,
  }),
);
// No session and plain JSON answers: sdk-demo.mjs has a session and event streams.
app.post('/mcp', async (req, res) => {
  const server = mcpServer();
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined, enableJsonResponse: true });
  res.on('close', () => server.close());
  await server.connect(transport);
  await transport.handleRequest(req, res, req.body);
});
app.all('/mcp', (_req, res) => res.status(405).set('Allow', 'POST').end());
resourceListener.on('request', app);

endWithTest();
announce({ mcp_url: mcpUrl.href, issuer, stats: new URL('/stats', mcpUrl).href, log, client: registered }, ['oidc-provider', '@modelcontextprotocol/sdk']);
