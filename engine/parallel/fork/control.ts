import type { Duplex, Readable } from 'node:stream';
import type { GroupFailure } from '../transport.ts';
import type { ElapsedWait } from './wait-timer.ts';

/**
 * Control messages from the launcher to a rank, one JSON value a line. They have a socket of their own,
 * because Node's IPC channel is read by the main thread only, which blocks in collectives.
 */
export type ToRank =
  | { type: 'task'; task: Task }
  | { type: 'start' }
  | { type: 'heartbeat' }
  | { type: 'failed'; failure: GroupFailure };

/** Control messages from a rank to the launcher. */
export type ToLauncher =
  | { type: 'joined' }
  | { type: 'heartbeat'; wait?: ElapsedWait }
  | { type: 'failed'; failure: GroupFailure }
  | { type: 'left' };

/** What a rank runs. */
export interface Task {
  /** URL of a module whose default export is an {@link Entry}. */
  readonly entry: string;
  /** The task's argument; JSON. */
  readonly argument: unknown;
  readonly timeoutMs: number;
}

/** Sends a message; dropped if the stream is closed. */
export function sendMessage(stream: Duplex, message: ToRank | ToLauncher): void {
  if (stream.writable) stream.write(`${JSON.stringify(message)}\n`);
}

/** Calls `handle` with every message received. When the other side closes, the stream emits 'close'. */
export function onMessage<T extends ToRank | ToLauncher>(stream: Duplex, handle: (message: T) => void): void {
  // Writes to a rank that has died fail; its exit is reported by the child process.
  stream.on('error', () => {});
  onLine(stream, (line) => handle(JSON.parse(line)));
}

/** Calls `handle` with every complete line of UTF-8 text, without its line feed. */
export function onLine(stream: Readable, handle: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() as string;
    lines.forEach(handle);
  });
}
