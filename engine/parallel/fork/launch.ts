import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { siblingModule } from '../../terminal/sibling-module.ts';
import { Collectives } from '../collectives.ts';
import type { ProcessGroup } from '../process-group.ts';
import { singleProcessGroup } from '../single-process-group.ts';
import { FifoTransport, type Watch } from './fifo-transport.ts';
import { closeFifos, linksOf, openFifos } from './fifos.ts';
import type { FromWardenThread, ToWardenThread, WardenData } from './rank-supervisor.ts';
import { WaitState } from './wait-state.ts';

export interface LaunchOptions {
  /** Plain data (JSON) for the entry of every rank. */
  argument?: unknown;
  /** How long a rank may stay away, or give no sign of life, before the group fails, in ms. Default 10 000. */
  timeoutMs?: number;
  /** How long the ranks may take to start and to import the entry, in ms. Default 60 000. */
  startTimeoutMs?: number;
}

/**
 * Starts a group of processes on this machine. This process is rank 0; the others are its children, which run the
 * entry, print to its stderr with their rank in front, and end with it, however it ends.
 *
 * @param size ranks, this one included.
 * @param entry a module whose default export is an Entry.
 * @returns when all ranks have started.
 * @throws GroupError if one does not.
 */
export async function launch(size: number, entry: URL, options: LaunchOptions = {}): Promise<ProcessGroup> {
  const { argument, timeoutMs = 10_000, startTimeoutMs = 60_000 } = options;
  if (!Number.isInteger(size) || size < 1) throw new RangeError(`A group has 1 or more ranks, not ${size}`);
  if (size === 1) return singleProcessGroup();
  const fifos = await openFifos(size);
  const state = new WaitState();
  const pids = new Int32Array(new SharedArrayBuffer(4 * size));
  const task = { entry: entry.href, argument, timeoutMs };
  const workerData: WardenData = { fifos, state: state.buffer, pids, task, startTimeoutMs };
  const warden = new Worker(siblingModule('./rank-supervisor.ts', import.meta.url), { workerData });
  const ended = once(warden, 'exit');
  const tell = (message: ToWardenThread): void => warden.postMessage(message);
  const killAll = (): void => killRunning(pids);
  process.once('exit', killAll);
  const watch: Watch = {
    report: (message, ranks) => tell({ type: 'failed', verdict: { message, ranks } }),
    async close() {
      tell({ type: 'close' });
      await ended;
      process.off('exit', killAll);
      closeFifos(fifos, (from, to) => from === 0 || to === 0);
    },
  };
  const transport = new FifoTransport({ rank: 0, links: linksOf(0, fifos), state, watch, timeoutMs });
  const [{ type }] = (await once(warden, 'message')) as [FromWardenThread];
  // What the ranks among themselves use is theirs by now.
  closeFifos(fifos, (from, to) => from !== 0 && to !== 0);
  if (type === 'failed') await transport.close();
  return new Collectives(transport);
}

/** A process that exits in the middle of things leaves no rank behind, not even one that is stopped. */
function killRunning(pids: Int32Array): void {
  for (const pid of pids) {
    try {
      if (pid > 0) process.kill(pid, 'SIGKILL');
    } catch {
      // It has just ended.
    }
  }
}
