import type { Parallelism } from '../model/shard.ts';
import type { ScheduleOptions } from '../options.ts';
import type { ProcessGroup } from '../parallel/process-group.ts';
import { NO_TIMEOUT } from './step-plan.ts';

/** What the other ranks need from rank 0 before they load. */
export interface RankSetup
  extends Parallelism,
    Pick<ScheduleOptions, 'cacheTokens' | 'blockSize' | 'maxBatchTokens'> {
  readonly threads: number;
  readonly revectorize: boolean;
}

/** Sends the setup from rank 0 to all other ranks. */
export function sendSetup(group: ProcessGroup, setup: RankSetup): void {
  const bytes = new Uint8Array(Buffer.from(JSON.stringify(setup)));
  group.broadcast(Int32Array.of(bytes.length), 0);
  group.broadcast(bytes, 0);
}

/** Receives the setup that rank 0 sends. */
export function receiveSetup(group: ProcessGroup): RankSetup {
  const length = new Int32Array(1);
  group.broadcast(length, 0, NO_TIMEOUT);
  const bytes = new Uint8Array(length[0]);
  group.broadcast(bytes, 0);
  return JSON.parse(Buffer.from(bytes).toString());
}
