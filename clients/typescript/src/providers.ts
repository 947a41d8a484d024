import { headersFor, refused, type Authorization } from './agent.js';
import { KeybearerError } from './errors.js';

/** How long after a renewal a 401 may still be about the token before, in milliseconds. */
const IN_FLIGHT = 10_000;

/** The token of one account, and which one a server may have refused. */
class Tokens {
  #current: Authorization | undefined;
  #before: Authorization | undefined;
  #since = 0;

  constructor(readonly account: string) {}

  async token(): Promise<string> {
    const given = await headersFor({ account: this.account });
    if (given.generation !== this.#current?.generation) {
      this.#before = this.#current;
      this.#since = Date.now();
      this.#current = given;
    }
    const [scheme, token] = given.headers['Authorization']?.split(' ') ?? [];
    if (scheme === 'Bearer' && token) return token;
    throw new KeybearerError(`${this.account} has no bearer token`, { name: 'no_token_needed', action: 'use keybearerFetch' });
  }

  /** The SDK doesn't say which token was refused. A complaint about an old one changes nothing. */
  async refused(response?: Response): Promise<void> {
    const isEarly = this.#before && Date.now() - this.#since < IN_FLIGHT;
    const suspect = isEarly ? this.#before : this.#current;
    if (suspect) await refused(suspect, '401', response?.headers.get('WWW-Authenticate') ?? undefined);
  }
}

/** `AuthProvider` of the SDK 2.x. `keybearerFetch` is better where it can be had: it serves every kind of account. */
export class KeybearerAuthProvider {
  readonly #tokens: Tokens;

  /** @param account the account's name */
  constructor(account: string) {
    this.#tokens = new Tokens(account);
  }

  token(): Promise<string> {
    return this.#tokens.token();
  }

  /** The SDK sends the request once more after this. */
  onUnauthorized({ response }: { response: Response }): Promise<void> {
    return this.#tokens.refused(response);
  }
}

/**
 * `OAuthClientProvider` of the SDK 1.x, without refresh token, so that the SDK never renews any: the agent does. A token that
 * the server refuses costs one call here (`token_refused`), for the SDK would begin a sign-in of its own instead of asking
 * again. With `keybearerFetch` it costs none.
 */
export class KeybearerOAuthClientProvider {
  readonly #tokens: Tokens;
  readonly redirectUrl = undefined;
  readonly clientMetadata = { redirect_uris: [] };

  /** @param account the account's name */
  constructor(account: string) {
    this.#tokens = new Tokens(account);
  }

  async tokens() {
    return { access_token: await this.#tokens.token(), token_type: 'Bearer' };
  }

  /** The SDK looks here first when it begins a sign-in, which is after the server has refused the token. */
  async discoveryState(): Promise<never> {
    await this.#tokens.refused();
    // Where a person has to sign in, that is the error.
    await this.#tokens.token();
    const message = 'the server refused the token; the next call uses another';
    throw new KeybearerError(message, { name: 'token_refused', retryable: true });
  }

  clientInformation = () => undefined;
  saveTokens = keptByKeybearer;
  redirectToAuthorization = keptByKeybearer;
  saveCodeVerifier = keptByKeybearer;
  codeVerifier = keptByKeybearer;
}

function keptByKeybearer(): never {
  const action = 'keybearer sign-in NAME';
  throw new KeybearerError('sign-ins and tokens are kept by Keybearer alone', { name: 'auth_required', action });
}
