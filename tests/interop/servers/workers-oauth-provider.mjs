// Cloudflare's OAuth provider as it is deployed: worker.mjs bundled, and run by workerd on this machine.
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { Miniflare } from 'miniflare';
import { announce, endWithTest } from './ready.mjs';

const { outputFiles } = await build({
  entryPoints: [fileURLToPath(new URL('worker.mjs', import.meta.url))],
  bundle: true,
  write: false,
  format: 'esm',
  target: 'es2023',
  conditions: ['workerd', 'worker', 'browser'],
  external: ['cloudflare:*'],
});
const workerd = new Miniflare({
  modules: [{ type: 'ESModule', path: 'worker.mjs', contents: outputFiles[0].text }],
  compatibilityDate: '2026-04-26',
  compatibilityFlags: ['global_fetch_strictly_public'],
  kvNamespaces: ['OAUTH_KV'],
  host: '127.0.0.1',
  port: 0,
});
const { origin } = await workerd.ready;

endWithTest(async () => {
  await workerd.dispose();
  process.exit(0);
});
announce({ mcp_url: `${origin}/mcp` }, ['@cloudflare/workers-oauth-provider', 'workerd', '@modelcontextprotocol/server']);
