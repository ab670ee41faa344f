import { type ChildProcess, spawn } from 'node:child_process';
import type { Duplex, Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { formatDiagnostic, withTextDiagnostics } from '../../terminal/diagnostic.ts';
import { isStopped } from '../../terminal/is-stopped.ts';
import type { LineWriter } from '../../terminal/line-writer.ts';
import { describeShortage, shortageIn } from '../../terminal/shortage.ts';
import { siblingModule } from '../../terminal/sibling-module.ts';
import { onLine, onMessage, sendMessage, type ToLauncher, type ToRank } from './control.ts';
import type { MuteRank } from './late-to-speak.ts';
import type { RankStatus } from './stalled-ranks.ts';
import type { ElapsedWait } from './wait-timer.ts';

const MAIN = fileURLToPath(siblingModule('./rank.ts', import.meta.url));
const CONTROL_DESCRIPTOR = 3;

const ABORTS_WITHOUT =
  'Node aborts where it gets no thread or no memory; see ulimit -u, ulimit -v and the free memory';
/** Signals by which libuv and V8 end their own process; libuv prints nothing. */
const ABORTS: Readonly<Partial<Record<NodeJS.Signals, string>>> = {
  SIGABRT: ABORTS_WITHOUT,
  SIGTRAP: ABORTS_WITHOUT,
};

export interface RankProcessOptions {
  rank: number;
  size: number;
  /** The rank's FIFOs, in the order of {@link descriptorsOf}. */
  descriptors: readonly number[];
  /** Takes what the process prints. */
  output: LineWriter;
  onMessage(message: ToLauncher): void;
  /** Called once the process has ended. @param how as a message says it: "was killed by SIGKILL". */
  onEnd(how: string, leftBefore: boolean): void;
}

/**
 * A launched rank: a child process with a control socket. Each line of its output has its rank.
 */
export class RankProcess {
  readonly rank: number;
  readonly #child: ChildProcess;
  /** Undefined if there were too few file descriptors to start the process. */
  readonly #control: Duplex | undefined;
  joined = false;
  ended = false;
  /** Whether it has ever sent a message. */
  hasSpoken = false;
  #left = false;
  #silentMs = 0;
  /** Counted until its first message. */
  #stoppedMs = 0;
  #wait: ElapsedWait | undefined;
  /** What the first line of its output that names a shortage says. */
  #shortage: string | undefined;

  constructor({ rank, size, descriptors, output, onMessage: handle, onEnd }: RankProcessOptions) {
    this.rank = rank;
    const args = [...process.execArgv, MAIN, String(rank), String(size)];
    const stdio = ['ignore', 'pipe', 'pipe', 'pipe', ...descriptors] as const;
    const env = withTextDiagnostics(process.env);
    this.#child = spawn(process.execPath, args, { stdio: [...stdio], env });
    this.#control = this.#child.stdio?.[CONTROL_DESCRIPTOR] as Duplex | undefined;
    if (this.#control) {
      for (const stream of [this.#child.stdout, this.#child.stderr]) {
        onLine(stream as Readable, (line) => {
          output.write(formatDiagnostic({ level: 'warning', message: `[rank ${rank}] ${line}` }));
          this.#shortage ??= shortageIn(line);
        });
      }
      onMessage<ToLauncher>(this.#control, (message) => {
        this.#receive(message);
        handle(message);
      });
    }
    let ended = false;
    const end = (how: string, leftBefore: boolean) => {
      this.ended = true;
      if (!ended) onEnd(how, leftBefore);
      ended = true;
    };
    this.#child.once('error', (error) => end(`could not be started (${describeShortage(error)})`, false));
    // 'close' comes after all output, 'exit' may come before.
    this.#child.once('close', (code, signal) => {
      const how = signal ? `was killed by ${signal}` : `ended with exit code ${code}`;
      const why = this.#shortage ?? (signal && ABORTS[signal]);
      end(why ? `${how} (${why})` : how, code === 0 && this.#left);
    });
  }

  /** Undefined if the process could not be started. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  get status(): RankStatus {
    return { rank: this.rank, silentMs: this.#silentMs, left: this.#left, wait: this.#wait };
  }

  /** What is known of it before its first message. */
  get muteness(): MuteRank {
    return { rank: this.rank, silentMs: this.#silentMs, stoppedMs: this.#stoppedMs };
  }

  /** Adds to the time since its last message. */
  tick(elapsedMs: number): void {
    this.#silentMs += elapsedMs;
    if (this.hasSpoken || this.pid === undefined) return;
    this.#stoppedMs = isStopped(this.pid) ? this.#stoppedMs + elapsedMs : 0;
  }

  send(message: ToRank): void {
    if (this.#control) sendMessage(this.#control, message);
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #receive(message: ToLauncher): void {
    this.#silentMs = 0;
    this.hasSpoken = true;
    if (message.type === 'joined') this.joined = true;
    if (message.type === 'left') this.#left = true;
    this.#wait = message.type === 'heartbeat' ? message.wait : undefined;
  }
}
