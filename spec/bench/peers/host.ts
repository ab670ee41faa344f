/** A process that runs one peer and does what it is told over its channel; it ends with its parent. */
import { readFileSync } from 'node:fs';
import type { Arrival } from '../workload.ts';
import { importPeer } from './catalogue.ts';
import { type Peer, type PeerSettings, PeerUnavailable } from './peer.ts';
import { timeBatch, timeService } from './timing.ts';

/** What the parent asks for. */
export type HostCall =
  | { call: 'load'; peer: string; settings: PeerSettings }
  | { call: 'batch'; prompts: readonly (readonly number[])[]; maxNewTokens: number }
  | { call: 'service'; arrivals: readonly Arrival[] }
  | { call: 'memory' }
  | { call: 'close' };

/** What it is answered. */
export type HostReply = { result: unknown } | { error: string; unavailable: boolean };

/** What `load` is answered. */
export interface LoadedPeer {
  version: string;
  loadMs: number;
  cacheBytes: number | undefined;
}

let peer: Peer | undefined;

async function answer(message: HostCall): Promise<unknown> {
  if (message.call === 'load') {
    const load = await importPeer(message.peer);
    const begin = performance.now();
    peer = await load(message.settings);
    const { version, cacheBytes } = peer;
    return { version, cacheBytes, loadMs: performance.now() - begin } satisfies LoadedPeer;
  }
  if (message.call === 'memory') return peakMemory();
  if (!peer) throw new Error(`"${message.call}" was asked of a host that has loaded nothing`);
  if (message.call === 'batch') return await timeBatch(peer, message.prompts, message.maxNewTokens);
  if (message.call === 'service') return await timeService(peer, message.arrivals);
  return await peer.close();
}

/** The most memory that this process ever had, in bytes. */
function peakMemory(): number {
  if (process.platform === 'linux') {
    // What getrusage tells begins with what the parent had when it started this process.
    const [, kilobytes] = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
    if (kilobytes) return Number(kilobytes) * 1024;
  }
  return process.resourceUsage().maxRSS * 1024;
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
