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
/** Variable that marks the processes of a test, to distinguish them from those of other tests. */
export const MARK = 'PLUMBLINE_SPEC_GROUP';

/** Programs that start ranks; the one with the MPI's name first, because several MPIs may be installed. */
const LAUNCHERS = {
  MPICH: ['mpirun.mpich', 'mpirun'],
  'Open MPI': ['mpirun.openmpi', 'mpirun'],
};
const VERSION = { MPICH: /HYDRA|MPICH/, 'Open MPI': /Open MPI|OpenRTE/ };

/** Open MPI refuses root and more ranks than cores without these. */
export const OPEN_MPI_ENVIRONMENT = {
  OMPI_ALLOW_RUN_AS_ROOT: '1',
  OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1',
  OMPI_MCA_rmaps_base_oversubscribe: '1',
};

/** The mpirun of an MPI; undefined if it is not installed. */
export function launcherOf(backend: Exclude<Backend, 'fork'>): string | undefined {
  return LAUNCHERS[backend].find((name) => {
    const { status, stdout } = spawnSync(name, ['--version'], { encoding: 'utf8' });
    return status === 0 && VERSION[backend].test(stdout);
  });
}

/** The MPIs that are installed; empty without koffi, through which they are called. */
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
 * Starts the ranks of a scenario as processes, which are killed when the test ends.
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

/** The processes of one group and their output. */
export class GroupRun {
  /** All lines in the order of arrival; those of a rank begin with "[rank N] ". */
  readonly lines: string[] = [];
  /** The temporary folder of the processes. */
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

  /** Process ids by rank, of the ranks that have printed theirs. */
  get pids(): Map<number, number> {
    const fields = this.lines.flatMap((line) => /^(?:\[rank \d+\] )?pid (\d+) (\d+)$/.exec(line) ?? []);
    const found = new Map<number, number>();
    for (let i = 0; i < fields.length; i += 3) found.set(Number(fields[i + 1]), Number(fields[i + 2]));
    return found;
  }

  /** Resolves when all ranks have started their scenario. */
  async working(size: number): Promise<void> {
    while (this.pids.size < size) {
      if (this.#process.exitCode !== null) throw new Error(`the group ended early:\n${this.log}`);
      await sleep(5);
    }
  }

  signal(rank: number, signal: NodeJS.Signals): void {
    process.kill(this.pids.get(rank) ?? 0, signal);
  }

  /** Resolves when the process that was started has ended. */
  async end(): Promise<{ exitCode: number | null; signal: NodeJS.Signals | null }> {
    await this.#ended;
    return { exitCode: this.#process.exitCode, signal: this.#process.signalCode };
  }

  linesOf(rank: number): string[] {
    const tag = `[rank ${rank}] `;
    return this.lines.filter((line) => line.startsWith(tag)).map((line) => line.slice(tag.length));
  }

  /**
   * Waits for a line of a rank; its last lines may arrive after its end.
   *
   * @returns whether it came in time.
   */
  async prints(rank: number, pattern: RegExp, withinMs: number): Promise<boolean> {
    const deadline = Date.now() + withinMs;
    const hasPrinted = () => this.linesOf(rank).some((line) => pattern.test(line));
    while (!hasPrinted() && Date.now() < deadline) await sleep(20);
    return hasPrinted();
  }

  get log(): string {
    return this.lines.join('\n');
  }

  /**
   * Waits until at most `expected` processes of the group are left, for at most `withinMs`.
   *
   * @returns the ids of the processes that are left.
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

/** The running processes that were started with this value of {@link MARK} in their environment. */
export function markedProcesses(mark: string): number[] {
  const pids = readdirSync('/proc').map(Number).filter(Number.isInteger);
  return pids.filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`${MARK}=${mark}`);
    } catch {
      // The process has ended in the meantime.
      return false;
    }
  });
}

/** Whether a process is a launched rank, and not the shell that makes FIFOs. */
export function isForkedRank(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('rank.ts');
  } catch {
    // The process has ended.
    return false;
  }
}
