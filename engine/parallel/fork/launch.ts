import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { GroupError } from '../../errors.ts';
import { describeShortage } from '../../terminal/shortage.ts';
import { siblingModule } from '../../terminal/sibling-module.ts';
import { startThread } from '../../terminal/start-thread.ts';
import { Collectives } from '../collectives.ts';
import type { ProcessGroup } from '../process-group.ts';
import { singleProcessGroup } from '../single-process-group.ts';
import { FifoTransport, type GroupMonitor } from './fifo-transport.ts';
import { closeFifos, linksOf, openFifos } from './fifos.ts';
import type { FromSupervisor, SupervisorData, ToSupervisor } from './rank-supervisor.ts';
import { WaitState } from './wait-state.ts';

export interface LaunchOptions {
  /** Argument of the entry on every rank; JSON. */
  argument?: unknown;
  /**
   * How long a rank may be waited for, or be silent, before the group fails, in ms. Default 10 000. Before
   * its first message a rank that is not stopped may be silent for 20 000 ms, if that is longer.
   */
  timeoutMs?: number;
  /**
   * How long the ranks may take to start and import the entry, in ms. Default 60 000, or `timeoutMs` if that
   * is longer.
   */
  startTimeoutMs?: number;
}

/**
 * Starts a group of processes on this machine. This process is rank 0; the others are its children. They run
 * the entry, print to this process's stderr with their rank in front, and end with this process, however it
 * ends.
 *
 * @param size number of ranks, this one included.
 * @param entry a module whose default export is an Entry.
 * @returns the group, when all ranks have started.
 * @throws GroupError if a rank fails or does not start in time; RangeError if `size` is not a positive
 * integer.
 */
export async function launch(size: number, entry: URL, options: LaunchOptions = {}): Promise<ProcessGroup> {
  const { argument, timeoutMs = 10_000, startTimeoutMs = Math.max(60_000, timeoutMs) } = options;
  if (!Number.isInteger(size) || size < 1) throw new RangeError(`A group has 1 or more ranks, not ${size}`);
  if (size === 1) return singleProcessGroup();
  const fifos = await openFifos(size);
  const state = new WaitState();
  const pids = new Int32Array(new SharedArrayBuffer(4 * size));
  const task = { entry: entry.href, argument, timeoutMs };
  const workerData: SupervisorData = { fifos, state: state.buffer, pids, task, startTimeoutMs };
  const failed = (cause: unknown) => {
    closeFifos(fifos, () => true);
    const message = `the thread that supervises ${size} ranks has failed: ${describeShortage(cause)}`;
    return new GroupError(message, [], { cause });
  };
  let supervisor: Worker;
  try {
    supervisor = startThread(siblingModule('./rank-supervisor.ts', import.meta.url), { workerData });
  } catch (cause) {
    throw failed(cause);
  }
  const ended = once(supervisor, 'exit');
  // An error of the thread is thrown below.
  ended.catch(() => {});
  const send = (message: ToSupervisor): void => supervisor.postMessage(message);
  const killAll = (): void => killRunning(pids);
  process.once('exit', killAll);
  const monitor: GroupMonitor = {
    report: (failure) => send({ type: 'failed', failure }),
    async close() {
      send({ type: 'close' });
      await ended;
      process.off('exit', killAll);
      closeFifos(fifos, (from, to) => from === 0 || to === 0);
    },
  };
  const transport = new FifoTransport({ rank: 0, links: linksOf(0, fifos), state, monitor, timeoutMs });
  const type = await firstMessage(supervisor, ended).catch((cause) => {
    process.off('exit', killAll);
    killAll();
    throw failed(cause);
  });
  // The children have inherited the FIFOs between themselves by now.
  closeFifos(fifos, (from, to) => from !== 0 && to !== 0);
  if (type === 'failed') await transport.close();
  return new Collectives(transport);
}

/** @throws what the thread throws; Error if it ends before its first message. */
async function firstMessage(supervisor: Worker, ended: Promise<unknown[]>): Promise<FromSupervisor['type']> {
  const tooEarly = ended.then(([code]): never => {
    throw new Error(`it has ended with exit code ${code}`);
  });
  const [{ type }] = (await Promise.race([once(supervisor, 'message'), tooEarly])) as [FromSupervisor];
  return type;
}

/** Kills the ranks that still run when this process exits early; SIGKILL also ends a stopped one. */
function killRunning(pids: Int32Array): void {
  for (const pid of pids) {
    try {
      if (pid > 0) process.kill(pid, 'SIGKILL');
    } catch {
      // The process has just exited.
    }
  }
}
