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

  async function send(request: Request, asked: HeaderRequest) {
    const authorization = await headersFor({ ...asked, nonce }, request.signal);
    for (const [name, value] of Object.entries(authorization.headers)) request.headers.set(name, value);
    const response = await fetch(request);
    nonce = response.headers.get('DPoP-Nonce') ?? nonce;
    return { response, authorization };
  }

  return async (input, init) => {
    const request = new Request(input, { ...init, redirect: init?.redirect === 'error' ? 'error' : 'manual' });
    const asked: HeaderRequest = { account, url: request.url, method: request.method };
    const { response, authorization } = await send(request.clone(), asked);
    const challenge = response.headers.get('WWW-Authenticate') ?? '';
    const isUnauthorized = response.status === 401;
    const isHeard = isUnauthorized || (response.status === 403 && challenge.includes('insufficient_scope'));
    if (!isHeard || authorization.generation == null) return response;
    await response.body?.cancel();
    if (!challenge.includes('use_dpop_nonce')) {
      const reason = isUnauthorized ? '401' : 'insufficient_scope';
      asked.scopes = await refused(authorization, reason, challenge, request.signal);
    }
    return (await send(request, asked)).response;
  };
}
