import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeShortage, shortageIn } from '../../engine/terminal/shortage.ts';
import { NoAnswerError } from '../errors.ts';
import { LineReader } from './line-reader.ts';
import { OutputTail } from './output-tail.ts';
import { quoteLine } from './quote-line.ts';

/** A line takes no more; V8 has no longer strings than twice this. Larger arrays go through files. */
const MAX_LINE_BYTES = 2 ** 28;
/** What has left the program's process group may keep the pipes open; it is not waited for any longer. */
const PIPES_GRACE_MS = 1000;
/** A program that closes a pipe is about to end, and how it ends says more. */
const CLOSED_PIPE_GRACE_MS = 1000;

export interface EngineProcessOptions {
  /** Bytes of a line on standard output, at most. Default 256 MiB. */
  readonly maxLineBytes?: number;
  readonly onLine: (line: string) => void;
  /**
   * Called once, when the program and its process group have ended and all output has arrived.
   *
   * @param how in words: `the program ended with exit code 1`.
   */
  readonly onEnd: (how: string) => void;
}

/** A program that is driven over standard input and output: one process group, which ends with it. */
export class EngineProcess {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #program: string;
  readonly #tail = new OutputTail();
  readonly #lines: LineReader;
  readonly #options: EngineProcessOptions;
  readonly #ended: Promise<void>;
  #settleEnded = () => {};
  /** Set while the pipe takes no more. */
  #drained: Promise<void> | undefined;
  #how: string | undefined;
  #isEnded = false;

  /**
   * Starts the program. If it is not found or not executable, `onEnd` gets the reason.
   *
   * @param argv the program and its arguments; there is no shell between.
   * @throws NoAnswerError if the system does not even try, for example because the arguments are too long.
   */
  constructor(argv: readonly string[], options: EngineProcessOptions) {
    const [program, ...args] = argv;
    this.#program = program;
    this.#options = options;
    this.#lines = new LineReader(options.maxLineBytes ?? MAX_LINE_BYTES);
    this.#ended = new Promise((resolve) => {
      this.#settleEnded = resolve;
    });
    const child = spawnGroup(program, args);
    this.#child = child;
    killAtExit(this.#killGroup);
    child.stderr.on('data', (chunk: Buffer) => this.#tail.add(chunk));
    child.stdout.on('data', (chunk: Buffer) => this.#receive(chunk));
    child.stdout.once('end', () => this.#onClosedPipe('standard output'));
    // A write to a program that has ended fails; the end itself is reported.
    child.stdin.on('error', () => this.#onClosedPipe('standard input'));
    child.once('error', (error: NodeJS.ErrnoException) => this.#end(this.#describeStartError(error)));
    child.once('exit', () => {
      this.#killGroup();
      setTimeout(() => {
        child.stdout.destroy();
        child.stderr.destroy();
      }, PIPES_GRACE_MS).unref();
    });
    child.once('close', (code, signal) => {
      const rest = this.#lines.rest.trim();
      const within = rest === '' ? '' : ` in the middle of a line: ${quoteLine(rest)}`;
      this.#end(
        signal
          ? `the program was ended by ${signal}${within}`
          : `the program ended with exit code ${code}${within}`,
      );
    });
  }

  /** The last lines of standard error. */
  get stderrTail(): readonly string[] {
    return this.#tail.lines;
  }

  /** Writes a line, and waits until the pipe takes more or the program has ended. */
  async send(line: string): Promise<void> {
    const { stdin } = this.#child;
    if (stdin.write(`${line}\n`)) return;
    this.#drained ??= new Promise((resolve) => {
      stdin.once('drain', () => {
        this.#drained = undefined;
        resolve();
      });
    });
    await Promise.race([this.#drained, this.#ended]);
  }

  /** Closes standard input, waits until the program has ended, and kills it after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.#child.stdin.end();
    const controller = new AbortController();
    const limit = sleep(graceMs, undefined, { signal: controller.signal }).catch(() => {});
    await Promise.race([this.#ended, limit]);
    controller.abort();
    await this.kill();
  }

  /** Kills the process group, and waits until it has ended. */
  async kill(): Promise<void> {
    this.#killGroup();
    await this.#ended;
  }

  #receive(chunk: Buffer): void {
    if (this.#how !== undefined) return;
    try {
      for (const line of this.#lines.read(chunk)) this.#options.onLine(line);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#how = `the program wrote too much: ${error.message}; pass large arrays in files`;
      this.#killGroup();
    }
  }

  #onClosedPipe(name: string): void {
    setTimeout(() => {
      if (this.#isEnded) return;
      this.#how ??= `the program closed its ${name} and went on`;
      this.#killGroup();
    }, CLOSED_PIPE_GRACE_MS).unref();
  }

  #end(how: string): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    doNotKillAtExit(this.#killGroup);
    this.#settleEnded();
    this.#options.onEnd(this.#how ?? how);
  }

  readonly #killGroup = (): void => {
    const { pid } = this.#child;
    if (pid === undefined || this.#isEnded) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch (error) {
      // The whole group has ended already.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  };

  #describeStartError({ code, message }: NodeJS.ErrnoException): string {
    const program = JSON.stringify(this.#program);
    if (code === 'ENOENT') {
      return `cannot start ${program}: it is not found; check its path, or PATH, and the interpreter that its first line names`;
    }
    if (code === 'EACCES') {
      return `cannot start ${program}: it is not executable; run chmod +x, or name its interpreter, as in "python3 engine.py"`;
    }
    return `cannot start ${program}: ${describeShortage({ code, message })}`;
  }
}

/** A group of its own: signals of the terminal do not reach it, and its children end with it. */
function spawnGroup(program: string, args: readonly string[]) {
  let child: ChildProcessByStdio<Writable, Readable, Readable>;
  try {
    child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
  } catch (cause) {
    throw new NoAnswerError(`cannot start the program: ${describeShortage(cause)}`, { cause });
  }
  // Node makes the pipes last, and none where it has had too few descriptors for the process itself.
  if ((child.stdin as Writable | undefined) === undefined) {
    child.once('error', () => {});
    throw new NoAnswerError(`cannot start the program: EMFILE: ${shortageIn('EMFILE')}`);
  }
  return child;
}

/** What ends the programs that still run when this process exits. */
const running = new Set<() => void>();
const killRunning = () => {
  for (const kill of running) kill();
};

function killAtExit(kill: () => void): void {
  if (running.size === 0) process.once('exit', killRunning);
  running.add(kill);
}

function doNotKillAtExit(kill: () => void): void {
  running.delete(kill);
  if (running.size === 0) process.off('exit', killRunning);
}
