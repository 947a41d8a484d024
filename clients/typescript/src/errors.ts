/** The errors that a program should expect; others carry their name as well. Keybearer's README explains each. */
export type ErrorCode =
  | 'auth_required' // a person has to sign in: show the action
  | 'auth_in_progress' // somebody is signing in: try again soon
  | 'consent_required' // somebody has to be asked, and can't be now
  | 'consent_denied' // the person said no
  | 'profile_not_found' // no account has this name or address
  | 'scope_unavailable' // the sign-in doesn't cover it: show the action
  | 'resource_mismatch' // the request goes to another server than the account's
  | 'no_token_needed' // there is no bare token: use keybearerFetch
  | 'provider_unreachable' // try again later
  | 'agent_locked' // a person has to unlock it
  | 'paused' // a person has paused it
  | 'agent_unreachable' // nobody listens, or somebody else does
  | 'token_refused' // the server refused the token: the next call uses another
  | (string & {});

/** What the agent says of an error to programs. */
export interface ErrorData {
  name: ErrorCode;
  reason?: string;
  action?: string;
  retryable?: boolean;
  retry_after_ms?: number;
}

/** Why there are no headers. Its message ends with what the user can do. */
export class KeybearerError extends Error {
  override readonly name = 'KeybearerError';
  /** What programs compare. */
  readonly code: ErrorCode;
  /** The exact rule or event, such as `more_access_needed`, if there is one. */
  readonly reason: string | undefined;
  /** What the user can do, such as `keybearer sign-in work`, if anything. */
  readonly action: string | undefined;
  /** Whether the same may work later by itself. */
  readonly retryable: boolean;
  /** When, if that is known. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, data: ErrorData) {
    super(data.action ? `${message} (what to do: ${data.action})` : message);
    this.code = data.name;
    this.reason = data.reason;
    this.action = data.action;
    this.retryable = data.retryable ?? false;
    this.retryAfterMs = data.retry_after_ms;
  }
}

/** Nobody can be asked. */
export function unreachable(problem: string, action: string): KeybearerError {
  return new KeybearerError(problem, { name: 'agent_unreachable', action });
}
