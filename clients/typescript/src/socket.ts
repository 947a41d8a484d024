import { lstatSync, type Stats } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { unreachable } from './errors.js';

/**
 * Connects to the agent's socket. It and its folder must be this user's alone: Node.js can't tell who serves, so their owner
 * speaks for the server.
 */
export async function reach(): Promise<Socket> {
  const socket = join(place(), 'programs', 'agent.v1.sock');
  const nobody = () => unreachable(`nobody listens at ${socket}`, 'keybearer agent start');
  if (!lstat(socket)) throw nobody();
  if (!isAbsolute(socket) || !isPrivate(dirname(socket), 'isDirectory') || !isPrivate(socket, 'isSocket')) {
    throw unreachable(`${socket} isn't this user's alone, so nothing was said there`, 'keybearer doctor');
  }
  const stream = connect(socket);
  return new Promise((connected, failed) => {
    stream.once('connect', () => connected(stream)).once('error', () => failed(nobody()));
  });
}

/** The base folder of the sockets. */
function place(): string {
  const { KEYBEARER_SOCKET: socket, KEYBEARER_HOME: home } = process.env;
  const folder = runtimeFolder();
  const base = socket || (home ? resolve(home, 'run') : join(folder, 'keybearer'));
  const longest = join(base, 'gateway', 'gateway-http.v1.sock');
  // The path of a socket holds 103 bytes.
  return Buffer.byteLength(longest) > 103 ? join(folder, `keybearer-${fnv1a(longest)}`) : base;
}

function runtimeFolder(): string {
  const { XDG_RUNTIME_DIR: byVariable = '', HOME: home = '' } = process.env;
  // After `su` or `sudo` the variable may still name another user's folder.
  const folders = [byVariable, `/run/user/${process.geteuid?.()}`];
  return folders.find((folder) => isPrivate(folder, 'isDirectory')) ?? join(home, '.local/state/keybearer/run');
}

/** Whether this is this user's, and nobody else can change it. */
function isPrivate(path: string, kind: 'isDirectory' | 'isSocket'): boolean {
  const found = lstat(path);
  return !!found && found[kind]() && found.uid === process.geteuid?.() && (found.mode & 0o022) === 0;
}

function lstat(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}

function fnv1a(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of Buffer.from(text)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash.toString(16).padStart(16, '0');
}
