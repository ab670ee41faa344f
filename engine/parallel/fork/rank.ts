import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { PlumblineError } from '../../errors.ts';
import { siblingModule } from '../../terminal/sibling-module.ts';
import { startThread } from '../../terminal/start-thread.ts';
import { Collectives } from '../collectives.ts';
import type { ProcessGroup } from '../process-group.ts';
import type { Task } from './control.ts';
import { FifoTransport, type GroupMonitor } from './fifo-transport.ts';
import { inheritedLinks } from './fifos.ts';
import type { FromMonitor, MonitorData, ToMonitor } from './launcher-monitor.ts';
import { WaitState } from './wait-state.ts';

/**
 * What a rank runs: the default export of a module. The rank leaves the group when it returns, and fails the
 * group if it throws.
 */
export type Entry = (group: ProcessGroup, argument: never) => void | Promise<void>;

/** The program of a launched rank: `rank.ts RANK SIZE`. */
const [rank, size] = process.argv.slice(2).map(Number);
const state = new WaitState();
const workerData: MonitorData = { rank, size, state: state.buffer };
const launcherMonitor = startMonitor();
const send = (message: ToMonitor): void => launcherMonitor.postMessage(message);

/** Without that thread nothing can be sent: the launcher reads the reason in what this process prints. */
function startMonitor(): Worker {
  try {
    return startThread(siblingModule('./launcher-monitor.ts', import.meta.url), { workerData });
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exit(1);
  }
}

/** Waits for the next message of that type. @throws GroupError if the group fails first. */
async function receive<T extends FromMonitor['type']>(type: T): Promise<Extract<FromMonitor, { type: T }>> {
  for (;;) {
    state.throwIfFailed();
    const [message] = (await once(launcherMonitor, 'message')) as [FromMonitor];
    if (message.type === type) return message as Extract<FromMonitor, { type: T }>;
  }
}

const monitor: GroupMonitor = {
  report: (failure) => send({ type: 'failed', failure }),
  async close() {
    send({ type: 'left' });
    await receive('closed');
  },
};

function open({ timeoutMs }: Task): ProcessGroup {
  return new Collectives(
    new FifoTransport({ rank, links: inheritedLinks(rank, size), state, monitor, timeoutMs }),
  );
}

/** Reports why this rank ends, here and, unless the group has already failed, to the others. */
function giveUp(error: unknown): never {
  const isExpected = error instanceof PlumblineError;
  process.stderr.write(`${isExpected ? error.message : ((error as Error)?.stack ?? String(error))}\n`);
  if (!state.failure) {
    const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    monitor.report({ message: `Rank ${rank} failed: ${message}`, ranks: [rank] });
    state.waitForFailure(1000);
  }
  process.exit(1);
}

// Ctrl-C reaches all processes of a terminal; only the launcher reacts to it.
process.on('SIGINT', () => {});
process.on('uncaughtException', giveUp);

const { task } = await receive('task');
const { default: entry } = (await import(task.entry)) as { default: Entry };
send({ type: 'joined' });
await receive('start');
const group = open(task);
await entry(group, task.argument as never);
await group.close();
process.exit(0);
