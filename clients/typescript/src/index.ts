// What authorizes a program's requests to MCP servers, from Keybearer's agent on this machine.
export { headersFor, refused, call, type Authorization, type HeaderRequest } from './agent.js';
export { KeybearerError, type ErrorCode } from './errors.js';
export { keybearerFetch } from './fetch.js';
export { KeybearerAuthProvider, KeybearerOAuthClientProvider } from './providers.js';
