import { spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { KeybearerError, unreachable, type ErrorData } from './errors.js';
import { reach } from './socket.js';

/** What headers are for. Some servers want a proof with each request, made for it alone (DPoP, RFC 9449). */
export interface HeaderRequest {
  /** The account's name; it may be left out where only one has the server of this URL. */
  account?: string | undefined;
  url?: string | undefined;
  method?: string | undefined;
  nonce?: string | undefined;
  scopes?: string[] | undefined;
}

/** What a request needs. It holds secrets: log none of it. */
export interface Authorization {
  /** Empty where the server wants no sign-in. */
  headers: Record<string, string>;
  expires_at?: string | null;
  profile: string;
  /** None where no token is issued, so that none can be refused. */
  generation?: number | null;
}

interface Answer {
  result?: unknown;
  error?: { message: string; data: ErrorData };
}

/** The most that an answer may take: a person may have a minute to decide. */
const PATIENCE = 90_000;
/** How many questions are under way, each on a connection of its own: the agent takes 64 of a process. */
const AT_ONCE = 32;

/** Gives the headers of one request. One that doesn't go to the account's server is an error (`resource_mismatch`). */
export function headersFor({ account, ...request }: HeaderRequest, signal?: AbortSignal | null): Promise<Authorization> {
  return call('header.get', { profile: account, ...request }, signal);
}

/**
 * Tells that a server refused a token, so that the next question gets another. However many tell so, it is renewed once. Gives
 * the scopes that the challenge names.
 */
export async function refused(
  { profile, generation }: Authorization,
  reason: '401' | 'insufficient_scope',
  www_authenticate?: string,
  signal?: AbortSignal | null,
): Promise<string[] | undefined> {
  const params = { profile, generation, reason, www_authenticate };
  return (await call<{ scopes?: string[] | null }>('token.invalidate', params, signal)).scopes ?? undefined;
}

let underWay = 0;
const waiting: (() => void)[] = [];

/** Asks any method of docs/protocol.md. When the signal comes, the agent forgets the question. */
export async function call<Reply>(method: string, params: object, signal?: AbortSignal | null): Promise<Reply> {
  const patience = AbortSignal.timeout(PATIENCE);
  const ended = signal ? AbortSignal.any([signal, patience]) : patience;
  // Whoever leaves while it waits takes its turn all the same, and gives it on at once.
  if (underWay++ >= AT_ONCE) await new Promise<void>((turn) => void waiting.push(turn));
  try {
    ended.throwIfAborted();
    const question = { jsonrpc: '2.0', id: 1, method, params };
    const throughCommand = process.platform === 'win32' || process.env['KEYBEARER_COMMAND'];
    const { result, error } = await (throughCommand ? askCommand(question, ended) : askSocket(question, ended));
    if (error) throw new KeybearerError(error.message, error.data);
    return result as Reply;
  } catch (error) {
    // What broke because its asker left is told as that.
    ended.throwIfAborted();
    throw error;
  } finally {
    underWay--;
    waiting.shift()?.();
  }
}

/** Says hello, and asks. */
async function askSocket(question: object, signal: AbortSignal): Promise<Answer> {
  const stream = await reach();
  // Whoever hangs up takes the question back.
  const leave = () => stream.destroy();
  signal.addEventListener('abort', leave);
  try {
    // What breaks the connection is seen as its end.
    const lines = linesOf(stream.on('error', () => {}));
    const client = { name: 'keybearer-typescript', version: '0.1.0' };
    const hello = { ...question, method: 'session.open', params: { protocol: { min: 1, max: 1 }, client } };
    const opened = await ask(stream, lines, hello);
    if (opened.error) return opened;
    return await ask(stream, lines, { ...question, session: (opened.result as { session: string }).session });
  } finally {
    signal.removeEventListener('abort', leave);
    stream.destroy();
  }
}

/** Has `keybearer` ask, which starts the agent where none runs. */
async function askCommand(question: object, signal: AbortSignal): Promise<Answer> {
  const child = spawn(process.env['KEYBEARER_COMMAND'] || 'keybearer', ['rpc', '-'], { signal, windowsHide: true });
  const failed = new Promise<never>((_, fail) => {
    child.once('error', (error) => fail(unreachable(error.message, 'keybearer doctor')));
  });
  child.stdin.on('error', () => {}).end(`${JSON.stringify(question)}\n`);
  const [said, complaint] = await Promise.race([Promise.all([text(child.stdout), text(child.stderr)]), failed]);
  if (!said) throw unreachable(complaint.trim(), 'keybearer doctor');
  return JSON.parse(said) as Answer;
}

async function* linesOf(stream: Readable): AsyncGenerator<string, undefined> {
  let rest = '';
  for await (const piece of stream.setEncoding('utf8')) {
    const lines = (rest + piece).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
}

async function ask(to: Writable, lines: AsyncIterator<string, undefined>, question: object): Promise<Answer> {
  to.write(`${JSON.stringify(question)}\n`);
  const line = await lines.next().catch(() => undefined);
  if (!line?.value) throw unreachable('the agent ended the connection', 'keybearer doctor');
  return JSON.parse(line.value) as Answer;
}
