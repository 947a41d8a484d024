import { headersFor, refused, type HeaderRequest } from './agent.js';

/**
 * A `fetch` that adds what authorizes a request: for the option of that name of the SDK's transports, or alone. If the server
 * refuses it (401, or 403 for want of scopes), it asks the agent once more and sends the request again, once. A request that
 * doesn't go to the account's server fails and is not sent, and no redirect is followed.
 *
 * @param account the account's name; it may be left out where only one has the server
 */
export function keybearerFetch(account?: string, { fetch = globalThis.fetch } = {}): typeof globalThis.fetch {
  let nonce: string | undefined;

  return async (input, init = {}) => {
    const given = input instanceof Request ? input : undefined;
    const signal = init.signal ?? given?.signal;
    const method = init.method ?? given?.method ?? 'GET';
    const asked: HeaderRequest = { account, url: given?.url ?? String(input), method };
    const redirect = init.redirect === 'error' ? 'error' : 'manual';

    // The signal goes on as it came: one that hangs on a copied request may be lost with it (undici).
    async function send() {
      const authorization = await headersFor({ ...asked, nonce }, signal);
      const headers = new Headers(init.headers ?? given?.headers);
      for (const [name, value] of Object.entries(authorization.headers)) headers.set(name, value);
      const response = await fetch(given?.clone() ?? input, { ...init, headers, redirect });
      nonce = response.headers.get('DPoP-Nonce') ?? nonce;
      return { response, authorization };
    }

    const { response, authorization } = await send();
    const challenge = response.headers.get('WWW-Authenticate') ?? '';
    const isUnauthorized = response.status === 401;
    const isHeard = isUnauthorized || (response.status === 403 && challenge.includes('insufficient_scope'));
    const isSpent = init.body instanceof ReadableStream;
    if (!isHeard || isSpent || authorization.generation == null) return response;
    await response.body?.cancel();
    if (!challenge.includes('use_dpop_nonce')) {
      const reason = isUnauthorized ? '401' : 'insufficient_scope';
      asked.scopes = await refused(authorization, reason, challenge, signal);
    }
    return (await send()).response;
  };
}
