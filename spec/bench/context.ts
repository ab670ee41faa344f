import type { ModelConfig } from '../../engine/config.ts';
import type { Measurement, Skipped } from './figure.ts';
import type { PeerSettings } from './peers/peer.ts';
import { PeerProcess } from './peers/process.ts';
import type { Profile } from './profile.ts';
import type { MachineLimits } from './work.ts';

/** What every suite is given. */
export interface BenchContext {
  profile: Profile;
  modelDir: string;
  config: ModelConfig;
  threads: number;
  /** Whether our engine fuses its vectors to 256 bits. */
  revectorize: boolean;
  /** Subjects that take part, by their ids. */
  subjects: readonly string[];
  llamaDir?: string;
  /** Of as many threads as the subjects have. */
  limits: MachineLimits;
  /** Reports progress. */
  report(text: string): void;
  /** Versions of the peers that were met. */
  versions: Map<string, string>;
}

/** What a suite found. */
export interface SuiteResult {
  measurements: Measurement[];
  skipped: Omit<Skipped, 'suite'>[];
}

/** Everything that parts of a suite found. */
export function joined(parts: readonly SuiteResult[]): SuiteResult {
  return {
    measurements: parts.flatMap(({ measurements }) => measurements),
    skipped: parts.flatMap(({ skipped }) => skipped),
  };
}

/** @returns e.g. `2 threads`. */
export function threadCount(threads: number): string {
  return threads === 1 ? '1 thread' : `${threads} threads`;
}

/** The options that all peers share. */
export function peerSettings(
  { modelDir, threads, revectorize, llamaDir }: BenchContext,
  { cacheTokens, maxBatch }: Pick<PeerSettings, 'cacheTokens' | 'maxBatch'>,
): PeerSettings {
  return { modelDir, threads, revectorize, llamaDir, cacheTokens, maxBatch };
}

/**
 * Starts peers, each in its process, lets a suite use them, and ends them, also after an error. Peers that
 * are unavailable are skipped with a message.
 */
export async function withPeers(
  context: BenchContext,
  ids: readonly string[],
  settings: PeerSettings,
  use: (peers: readonly PeerProcess[]) => Promise<SuiteResult>,
): Promise<SuiteResult> {
  const peers: PeerProcess[] = [];
  const skipped: SuiteResult['skipped'] = [];
  try {
    for (const id of ids) {
      context.report(`loading ${id}`);
      try {
        const { peer, loaded } = await PeerProcess.start(id, settings);
        peers.push(peer);
        context.versions.set(id, loaded.version);
      } catch (error) {
        skipped.push({ subject: id, reason: (error as Error).message });
      }
    }
    const result = await use(peers);
    return { measurements: result.measurements, skipped: [...skipped, ...result.skipped] };
  } finally {
    await Promise.allSettled(peers.map((peer) => peer.close()));
  }
}

/** The failures of a task as skipped subjects. */
export function skippedTask(task: string, failures: ReadonlyMap<string, Error>): SuiteResult['skipped'] {
  return [...failures].map(([subject, { message }]) => ({ subject, reason: `${task}: ${message}` }));
}
