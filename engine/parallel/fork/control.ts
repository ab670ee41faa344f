import type { Duplex, Readable } from 'node:stream';
import type { Verdict } from './wait-state.ts';
import type { Waited } from './wait-timer.ts';

/**
 * What the launcher and a rank tell each other beside the tensors, one JSON value a line. It goes over a socket of its
 * own, not over Node's IPC channel: that one is read by the main thread only, which is blocked while it matters.
 */
export type ToRank =
  | { type: 'task'; task: Task }
  | { type: 'start' }
  | { type: 'pulse' }
  | { type: 'verdict'; verdict: Verdict };

export type ToWarden =
  | { type: 'joined' }
  | { type: 'pulse'; waited?: Waited }
  | { type: 'failed'; verdict: Verdict }
  | { type: 'left' };

/** What a rank is to do. */
export interface Task {
  /** URL of a module whose default export is an {@link Entry}. */
  readonly entry: string;
  /** Plain data for it. */
  readonly argument: unknown;
  readonly timeoutMs: number;
}

/** Sends a message; one to a rank that has gone is lost. */
export function sendMessage(stream: Duplex, message: ToRank | ToWarden): void {
  if (stream.writable) stream.write(`${JSON.stringify(message)}\n`);
}

/** Calls `handle` with every message that comes. That the other side has gone is told by the stream's 'close'. */
export function onMessage<T extends ToRank | ToWarden>(stream: Duplex, handle: (message: T) => void): void {
  // A rank that dies leaves writes undone; its end is told otherwise.
  stream.on('error', () => {});
  onLine(stream, (line) => handle(JSON.parse(line)));
}

/** Calls `handle` with every whole line of UTF-8 text, without its end. */
export function onLine(stream: Readable, handle: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() as string;
    lines.forEach(handle);
  });
}
