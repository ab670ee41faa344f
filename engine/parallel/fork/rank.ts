import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { PlumblineError } from '../../errors.ts';
import { siblingModule } from '../../terminal/sibling-module.ts';
import { Collectives } from '../collectives.ts';
import type { ProcessGroup } from '../process-group.ts';
import type { Task } from './control.ts';
import { FifoTransport, type Watch } from './fifo-transport.ts';
import { inheritedLinks } from './fifos.ts';
import type { FromWatchdog, ToWatchdog, WatchdogData } from './launcher-monitor.ts';
import { WaitState } from './wait-state.ts';

/** What a rank does, as the default export of a module. The group is left when it returns, failed if it throws. */
export type Entry = (group: ProcessGroup, argument: never) => void | Promise<void>;

/** The main program of a rank that was launched: `rank.ts RANK SIZE`. */
const [rank, size] = process.argv.slice(2).map(Number);
const state = new WaitState();
const workerData: WatchdogData = { rank, size, state: state.buffer };
const watchdog = new Worker(siblingModule('./launcher-monitor.ts', import.meta.url), { workerData });
const tell = (message: ToWatchdog): void => watchdog.postMessage(message);

/** The next message of that type; GroupError if the group fails first. */
async function hear<T extends FromWatchdog['type']>(type: T): Promise<Extract<FromWatchdog, { type: T }>> {
  for (;;) {
    state.throwIfFailed();
    const [message] = (await once(watchdog, 'message')) as [FromWatchdog];
    if (message.type === type) return message as Extract<FromWatchdog, { type: T }>;
  }
}

const watch: Watch = {
  report: (message, ranks) => tell({ type: 'failed', verdict: { message, ranks } }),
  async close() {
    tell({ type: 'left' });
    await hear('bye');
  },
};

function open({ timeoutMs }: Task): ProcessGroup {
  return new Collectives(
    new FifoTransport({ rank, links: inheritedLinks(rank, size), state, watch, timeoutMs }),
  );
}

/** Says why this rank cannot go on, here and to the others, who may have been first to fail. */
function giveUp(error: unknown): never {
  const ours = error instanceof PlumblineError;
  process.stderr.write(`${ours ? error.message : ((error as Error)?.stack ?? String(error))}\n`);
  if (!state.verdict) {
    const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    watch.report(`Rank ${rank} failed: ${message}`, [rank]);
    state.waitForVerdict(1000);
  }
  process.exit(1);
}

// Ctrl-C reaches all processes of a terminal; the launcher decides what it means.
process.on('SIGINT', () => {});
process.on('uncaughtException', giveUp);

const { task } = await hear('task');
const { default: entry } = (await import(task.entry)) as { default: Entry };
tell({ type: 'joined' });
await hear('start');
const group = open(task);
await entry(group, task.argument as never);
await group.close();
process.exit(0);
