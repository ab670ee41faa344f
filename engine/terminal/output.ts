/** A stream that a command writes text to. */
export interface Output {
  write(text: string): unknown;
  /** Whether it is a terminal. */
  readonly isTTY?: boolean;
  /** Characters in a line of the terminal. */
  readonly columns?: number;
}

/** Where SIGINT and SIGTERM arrive: the process, or a test's stand-in. */
export type Signals = Pick<NodeJS.EventEmitter, 'once' | 'off'>;
