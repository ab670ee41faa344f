import { type ChildProcess, spawn } from 'node:child_process';
import { writeSync } from 'node:fs';
import type { Duplex, Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { siblingModule } from '../../terminal/sibling-module.ts';
import { onLine, onMessage, sendMessage, type ToRank, type ToWarden } from './control.ts';
import type { RankStatus } from './stalled-ranks.ts';
import type { Waited } from './wait-timer.ts';

const MAIN = fileURLToPath(siblingModule('./rank.ts', import.meta.url));
const CONTROL_DESCRIPTOR = 3;

export interface RankProcessOptions {
  rank: number;
  size: number;
  /** Its FIFOs. */
  descriptors: readonly number[];
  onMessage(message: ToWarden): void;
  /** Called when the process has ended, with what to say about it: "was killed by SIGKILL". */
  onEnd(how: string, inOrder: boolean): void;
}

/** A rank as its launcher sees it: a child process with a control socket. Its output goes to stderr, with its name. */
export class RankProcess {
  readonly rank: number;
  readonly #child: ChildProcess;
  readonly #control: Duplex;
  joined = false;
  ended = false;
  #left = false;
  #silentMs = 0;
  #waited: Waited | undefined;

  constructor({ rank, size, descriptors, onMessage: handle, onEnd }: RankProcessOptions) {
    this.rank = rank;
    const args = [...process.execArgv, MAIN, String(rank), String(size)];
    const stdio = ['ignore', 'pipe', 'pipe', 'pipe', ...descriptors] as const;
    this.#child = spawn(process.execPath, args, { stdio: [...stdio] });
    this.#control = this.#child.stdio[CONTROL_DESCRIPTOR] as Duplex;
    for (const output of [this.#child.stdout, this.#child.stderr]) {
      onLine(output as Readable, (line) => print(`[rank ${rank}] ${line}\n`));
    }
    onMessage<ToWarden>(this.#control, (message) => {
      this.#hear(message);
      handle(message);
    });
    let ended = false;
    const end = (how: string, inOrder: boolean) => {
      this.ended = true;
      if (!ended) onEnd(how, inOrder);
      ended = true;
    };
    this.#child.once('error', (error) => end(`could not be started: ${error.message}`, false));
    // Its last words come before its end.
    this.#child.once('close', (code, signal) => {
      const how = signal ? `was killed by ${signal}` : `ended with exit code ${code}`;
      end(how, code === 0 && this.#left);
    });
  }

  /** Undefined if it could not be started. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  get status(): RankStatus {
    return { rank: this.rank, silentMs: this.#silentMs, left: this.#left, waited: this.#waited };
  }

  /** Counts the time since it was last heard of. */
  tick(elapsedMs: number): void {
    this.#silentMs += elapsedMs;
  }

  send(message: ToRank): void {
    sendMessage(this.#control, message);
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #hear(message: ToWarden): void {
    this.#silentMs = 0;
    if (message.type === 'joined') this.joined = true;
    if (message.type === 'left') this.#left = true;
    this.#waited = message.type === 'pulse' ? message.waited : undefined;
  }
}

/** Written at once: the main thread, which owns `process.stderr`, may be blocked. */
function print(line: string): void {
  try {
    writeSync(2, line);
  } catch {
    // Nobody reads it.
  }
}
