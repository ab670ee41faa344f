import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { temporaryFolder } from '../processes/cleanup.ts';
import type { Scenario } from './group-scenarios.ts';

export type Backend = 'fork' | 'MPICH' | 'Open MPI';

/** The program of a group, run with "fork" by itself, with "mpi" by mpirun. */
export const MAIN = fileURLToPath(new URL('./group-main.ts', import.meta.url));
/** A variable by which the processes of a test are known from those of others. */
export const MARK = 'PLUMBLINE_SPEC_GROUP';

/** Programs that start ranks, the one that names its MPI first: several may be installed side by side. */
const LAUNCHERS = {
  MPICH: ['mpirun.mpich', 'mpirun'],
  'Open MPI': ['mpirun.openmpi', 'mpirun'],
};
const VERSION = { MPICH: /HYDRA|MPICH/, 'Open MPI': /Open MPI|OpenRTE/ };

/** Open MPI wants to be told that root and more ranks than cores are meant. */
const OPEN_MPI_ENVIRONMENT = {
  OMPI_ALLOW_RUN_AS_ROOT: '1',
  OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1',
  OMPI_MCA_rmaps_base_oversubscribe: '1',
};

/** The mpirun of an MPI; undefined where it is not installed. */
export function launcherOf(backend: Exclude<Backend, 'fork'>): string | undefined {
  return LAUNCHERS[backend].find((name) => {
    const { status, stdout } = spawnSync(name, ['--version'], { encoding: 'utf8' });
    return status === 0 && VERSION[backend].test(stdout);
  });
}

/** The MPIs that are installed here; none without koffi, which calls them. */
export function installedMpis(): Exclude<Backend, 'fork'>[] {
  try {
    import.meta.resolve('koffi');
  } catch {
    return [];
  }
  return (['MPICH', 'Open MPI'] as const).filter((backend) => launcherOf(backend) !== undefined);
}

export interface GroupOptions {
  size?: number;
  timeoutMs?: number;
}

/**
 * Starts the ranks of a scenario, as processes of their own. They are ended with the test, which fails if one was left
 * behind before.
 */
export function startGroup(
  t: ExecutionContext,
  backend: Backend,
  scenario: Scenario,
  { size = 2, timeoutMs = 10_000 }: GroupOptions = {},
): GroupRun {
  const args = [
    MAIN,
    backend === 'fork' ? 'fork' : 'mpi',
    String(size),
    JSON.stringify(scenario),
    String(timeoutMs),
  ];
  const [command, ...rest] =
    backend === 'fork'
      ? [process.execPath, ...args]
      : [launcherOf(backend) ?? 'mpirun', '-n', String(size), process.execPath, ...args];
  const run = new GroupRun(command, rest, temporaryFolder(t));
  t.teardown(() => run.killAll());
  return run;
}

/** The processes of one group, and what they print. */
export class GroupRun {
  /** All lines, in the order in which they came; those of a rank begin with "[rank N] ". */
  readonly lines: string[] = [];
  /** Where the group keeps what it may need to keep. */
  readonly folder: string;
  readonly #mark: string = randomUUID();
  readonly #process: ChildProcess;
  readonly #ended: Promise<unknown>;

  constructor(command: string, args: readonly string[], folder: string) {
    this.folder = folder;
    const env = { ...process.env, ...OPEN_MPI_ENVIRONMENT, TMPDIR: folder, [MARK]: this.#mark };
    this.#process = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#ended = once(this.#process, 'close');
    for (const output of [this.#process.stdout, this.#process.stderr]) {
      if (output) createInterface({ input: output }).on('line', (line) => this.lines.push(line));
    }
  }

  /** The process that was started: rank 0, or mpirun. */
  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** The processes of the ranks that have come so far, by rank. */
  get pids(): Map<number, number> {
    const told = this.lines.flatMap((line) => /^(?:\[rank \d+\] )?pid (\d+) (\d+)$/.exec(line) ?? []);
    const found = new Map<number, number>();
    for (let i = 0; i < told.length; i += 3) found.set(Number(told[i + 1]), Number(told[i + 2]));
    return found;
  }

  /** Resolves when all ranks are at work. */
  async working(size: number): Promise<void> {
    while (this.pids.size < size) {
      if (this.#process.exitCode !== null) throw new Error(`ended early:\n${this.log}`);
      await sleep(5);
    }
  }

  signal(rank: number, signal: NodeJS.Signals): void {
    process.kill(this.pids.get(rank) ?? 0, signal);
  }

  /** How the process that was started has ended. */
  async end(): Promise<{ exitCode: number | null; signal: NodeJS.Signals | null }> {
    await this.#ended;
    return { exitCode: this.#process.exitCode, signal: this.#process.signalCode };
  }

  linesOf(rank: number): string[] {
    const tag = `[rank ${rank}] `;
    return this.lines.filter((line) => line.startsWith(tag)).map((line) => line.slice(tag.length));
  }

  /** Waits until a rank has printed such a line: what it prints last may come after its end. */
  async says(rank: number, pattern: RegExp, withinMs: number): Promise<boolean> {
    const deadline = Date.now() + withinMs;
    const said = () => this.linesOf(rank).some((line) => pattern.test(line));
    while (!said() && Date.now() < deadline) await sleep(20);
    return said();
  }

  get log(): string {
    return this.lines.join('\n');
  }

  /**
   * Waits until no more processes of the group are left than expected, at most so many ms.
   *
   * @returns the ids of those that are.
   */
  async survivors(withinMs: number, expected = 0): Promise<number[]> {
    const deadline = Date.now() + withinMs;
    while (markedProcesses(this.#mark).length > expected && Date.now() < deadline) await sleep(20);
    return markedProcesses(this.#mark);
  }

  async killAll(): Promise<void> {
    for (const pid of markedProcesses(this.#mark)) process.kill(pid, 'SIGKILL');
    await this.#ended;
  }
}

/** The processes that live and were started with this mark in their environment, as {@link MARK}. */
export function markedProcesses(mark: string): number[] {
  const pids = readdirSync('/proc').map(Number).filter(Number.isInteger);
  return pids.filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`${MARK}=${mark}`);
    } catch {
      // It has ended in the meantime.
      return false;
    }
  });
}

/** Whether a process is a rank that a launcher has forked: what it starts first makes its FIFOs. */
export function isForkedRank(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('rank.ts');
  } catch {
    // It has ended.
    return false;
  }
}
