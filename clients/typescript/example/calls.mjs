// Calls a tool of an MCP server a hundred times at once, again and again, with an account of Keybearer.
//
//   keybearer practice --port 7878                              # in another terminal
//   keybearer add http://127.0.0.1:7878/mcp --name practice
//   node example/calls.mjs http://127.0.0.1:7878/mcp practice 10
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { keybearerFetch } from '@keybearer/client';

const AT_ONCE = 100;
const [url, account, seconds] = process.argv.slice(2);

// All that a program has to do: its transport takes what authorizes it from Keybearer.
const transport = new StreamableHTTPClientTransport(new URL(url), { fetch: keybearerFetch(account) });
const client = new Client({ name: 'example', version: '1.0.0' });
await client.connect(transport);

const told = { calls: 0, failed: 0 };
for (const began = Date.now(); Date.now() - began < Number(seconds) * 1000; told.calls += AT_ONCE) {
  const calls = Array.from({ length: AT_ONCE }, () => client.callTool({ name: 'whoami', arguments: {} }));
  for (const { status, reason, value } of await Promise.allSettled(calls)) {
    if (status === 'fulfilled' && !value.isError) continue;
    console.error(reason ?? value.content);
    told.failed += 1;
  }
}
await client.close();
console.log(JSON.stringify(told));
