/** A process that runs one peer and serves calls over its channel; it ends with its parent. */
import { readdirSync, readFileSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import type { SamplingOptions } from '../../../engine/serving/sampling-params.ts';
import type { Arrival } from '../workload.ts';
import { importPeer } from './catalogue.ts';
import { type Peer, type PeerSettings, PeerUnavailable } from './peer.ts';
import { timeBatch, timeService } from './timing.ts';

/** What the parent asks for. */
export type HostCall =
  | { call: 'load'; peer: string; settings: PeerSettings }
  | {
      call: 'batch';
      prompts: readonly (readonly number[])[];
      maxNewTokens: number;
      sampling?: SamplingOptions;
    }
  | { call: 'service'; arrivals: readonly Arrival[] }
  | { call: 'memory' }
  | { call: 'rankMemory' }
  | { call: 'close' };

/** What it is answered. */
export type HostReply = { result: unknown } | { error: string; unavailable: boolean };

/** What `load` is answered. */
export interface LoadedPeer {
  version: string;
  loadMs: number;
  cacheBytes: number | undefined;
  allocatedBytes: number | undefined;
}

let peer: Peer | undefined;

async function answer(message: HostCall): Promise<unknown> {
  if (message.call === 'load') {
    const load = await importPeer(message.peer);
    const begin = performance.now();
    peer = await load(message.settings);
    const { version, cacheBytes, allocatedBytes } = peer;
    const loadMs = performance.now() - begin;
    return { version, cacheBytes, allocatedBytes, loadMs } satisfies LoadedPeer;
  }
  if (message.call === 'memory') return peakMemory();
  if (message.call === 'rankMemory') return rankMemory();
  if (!peer) throw new Error(`"${message.call}" was asked of a host that has loaded nothing`);
  if (message.call === 'batch') {
    return await timeBatch(peer, message.prompts, message.maxNewTokens, message.sampling);
  }
  if (message.call === 'service') return await timeService(peer, message.arrivals);
  await peer.close();
  // This process is about to be killed; the next of this peer finds its code compiled.
  flushCompileCache();
  return undefined;
}

/** The most memory that this process ever had, in bytes. */
function peakMemory(): number {
  // The peak that getrusage returns includes the parent's memory at the time it started this process.
  return (
    (process.platform === 'linux' ? peakMemoryOf('self') : undefined) ?? process.resourceUsage().maxRSS * 1024
  );
}

/** The same for every rank of the peer: this process and, where the system lists them, its children. */
function rankMemory(): number[] {
  if (process.platform !== 'linux') return [peakMemory()];
  // A thread of this process starts the ranks, in their order.
  const pids = readdirSync('/proc/self/task').flatMap((thread) =>
    readFileSync(`/proc/self/task/${thread}/children`, 'utf8').trim().split(' ').filter(Boolean),
  );
  return [peakMemory(), ...pids.flatMap((pid) => peakMemoryOf(pid) ?? [])];
}

function peakMemoryOf(pid: string): number | undefined {
  const [, kilobytes] = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}

process.on('message', async (message: HostCall) => {
  let reply: HostReply;
  try {
    reply = { result: await answer(message) };
  } catch (error) {
    reply = { error: (error as Error).message, unavailable: error instanceof PeerUnavailable };
  }
  process.send?.(reply);
});
process.once('disconnect', () => process.exit());
// Ctrl-C reaches the whole group; the parent decides when its peers end.
process.on('SIGINT', () => {});
