// What the SDKs want is what the library has; checked by the compiler alone.
import type { AuthProvider, StreamableHTTPClientTransportOptions } from '@modelcontextprotocol/client';
import type { OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js';
import { KeybearerAuthProvider, KeybearerOAuthClientProvider, keybearerFetch } from '../src/index.js';

export const two: AuthProvider = new KeybearerAuthProvider('practice');
export const one: OAuthClientProvider = new KeybearerOAuthClientProvider('practice');
export const options: StreamableHTTPClientTransportOptions = { fetch: keybearerFetch('practice') };
