import type { ChildProcess } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { existsSync, mkdtempSync, readdirSync, readlinkSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import type { ExecutionContext, TestFn } from 'ava';

/** Variables that name the temporary folder, on any platform. */
const TEMPORARY_FOLDER_VARIABLES = ['TMPDIR', 'TEMP', 'TMP'];

/** Types in Node's list of what keeps a process alive, and how a leak is named. */
const KEEPING_ALIVE: Record<string, (count: number) => string> = {
  Timeout: (count) =>
    `timers still set: ${count}; clear each, or pass \`ref: false\` if it only limits a wait`,
  TCPServerWrap: (count) => `servers still listening: ${count}`,
  TCPSocketWrap: (count) => `connections still open: ${count}`,
};

/** Options of {@link trackResources}. */
export interface TrackResourcesOptions {
  /** How long resources may take to end before they count as leaks, in ms. Default 2000. */
  graceMs?: number;
}

/** The tracker of this process, which its spec files share: hooks run when the tests of all have ended. */
let trackerOfProcess: ResourceTracker | undefined;

/**
 * Fails a test file that leaves child processes, worker threads, timers, sockets, files in the temporary
 * folder, or file descriptors open in it. Call it once at the top of the file: `trackResources(test)`.
 */
export function trackResources<Context>(
  test: Pick<TestFn<Context>, 'after'>,
  options: TrackResourcesOptions = {},
): void {
  if (trackerOfProcess) return;
  const tracker = new ResourceTracker();
  trackerOfProcess = tracker;
  test.after.always('the tests leave nothing behind', async (t) => {
    const leaks = await tracker.stop(options);
    t.deepEqual(leaks, [], 'close, kill or remove these in t.teardown()');
  });
}

/**
 * A new folder in the temporary folder, removed with its content when the test ends, also if it failed.
 *
 * @returns its absolute path.
 */
export function temporaryFolder(t: Pick<ExecutionContext, 'teardown'>): string {
  const folder = mkdtempSync(join(tmpdir(), 'plumbline-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/**
 * Closes a resource when the test ends, also if it failed: `const file = closing(t,
 * SafetensorsFile.open(path))`.
 */
export function closing<T extends { close(): unknown }>(
  t: Pick<ExecutionContext, 'teardown'>,
  resource: T,
): T {
  t.teardown(async () => {
    await resource.close();
  });
  return resource;
}

/**
 * Records the processes and threads that this process starts. AVA runs each test file in a process, so
 * concurrent test files do not see each other's. The temporary folder is moved for this process only.
 */
export class ResourceTracker {
  /** The temporary folder of this process while the tracker runs. */
  readonly folder: string;
  readonly #children = new Set<ChildProcess>();
  readonly #workers = new Map<Worker, number>();
  readonly #environment: [string, string | undefined][];

  constructor() {
    this.folder = realpathSync(mkdtempSync(join(tmpdir(), 'plumbline-spec-')));
    this.#environment = TEMPORARY_FOLDER_VARIABLES.map((name) => [name, process.env[name]]);
    for (const name of TEMPORARY_FOLDER_VARIABLES) process.env[name] = this.folder;
    subscribe('child_process', this.#onChild);
    subscribe('worker_threads', this.#onWorker);
    // A file that crashes, or has no selected test, does not run its hooks.
    process.once('exit', this.#removeFolder);
  }

  /**
   * Waits until nothing is left, for at most `graceMs`; then ends the tracking, and what is left.
   *
   * @returns one line for each resource left.
   */
  async stop({ graceMs = 2000 }: TrackResourcesOptions = {}): Promise<string[]> {
    // Signals take a moment to arrive, and other hooks of the file run concurrently.
    const deadline = Date.now() + graceMs;
    let leaks = this.#leaks();
    while (leaks.length > 0 && Date.now() < deadline) {
      await sleep(10);
      leaks = this.#leaks();
    }
    unsubscribe('child_process', this.#onChild);
    unsubscribe('worker_threads', this.#onWorker);
    for (const child of this.#children) child.kill('SIGKILL');
    await Promise.all([...this.#workers.keys()].map((worker) => worker.terminate()));
    for (const [name, value] of this.#environment) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    process.off('exit', this.#removeFolder);
    this.#removeFolder();
    return leaks;
  }

  #leaks(): string[] {
    const children = [...this.#children]
      .filter(isRunning)
      .map((child) => `child process ${child.pid} is still running: ${child.spawnargs.join(' ')}`);
    const workers = [...this.#workers.values()].map(
      (threadId) => `worker thread ${threadId} is still running`,
    );
    return [...children, ...workers, ...keepingAlive(), ...openFilesIn(this.folder), ...filesIn(this.folder)];
  }

  readonly #removeFolder = (): void => rmSync(this.folder, { recursive: true, force: true });

  readonly #onChild = (message: unknown): void => {
    this.#children.add((message as { process: ChildProcess }).process);
  };

  readonly #onWorker = (message: unknown): void => {
    const { worker } = message as { worker: Worker };
    this.#workers.set(worker, worker.threadId);
    worker.once('exit', () => this.#workers.delete(worker));
  };
}

function isRunning(child: ChildProcess): boolean {
  // A process that could not be started has no pid.
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

/**
 * File descriptors of this process that are open in `folder`; empty if the system does not list them. AVA and
 * Node have descriptors of their own, so only a folder tells a test about those that it has opened.
 */
export function openFilesIn(folder: string): string[] {
  const descriptors = process.platform === 'linux' ? readdirSync('/proc/self/fd') : [];
  return descriptors.flatMap((fd) => {
    const target = targetOf(fd);
    return target?.startsWith(`${folder}/`) ? [`file descriptor ${fd} is still open: ${target}`] : [];
  });
}

/** Undefined if another thread has closed the descriptor in the meantime. */
function targetOf(fd: string): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return undefined;
  }
}

/** Timers and sockets that keep this process alive: AVA waits for them after the last test. */
function keepingAlive(): string[] {
  const active = process.getActiveResourcesInfo();
  return Object.entries(KEEPING_ALIVE).flatMap(([type, leakOf]) => {
    const count = active.filter((resource) => resource === type).length;
    return count === 0 ? [] : [leakOf(count)];
  });
}

function filesIn(folder: string): string[] {
  const files = existsSync(folder) ? readdirSync(folder).sort() : [];
  return files.map((file) => `file is still there: ${join(folder, file)}`);
}
