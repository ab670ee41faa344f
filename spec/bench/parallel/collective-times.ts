import { spawnSync } from 'node:child_process';
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ProcessGroup } from '../../../engine/parallel/process-group.ts';

export interface CollectivesTask {
  name: 'collectives';
  rounds: number;
  /** Bytes that each rank contributes. */
  sizes: readonly number[];
}

/** What is timed: collectives, a message there and back, and copying through a FIFO alone. */
export type Operation = 'barrier' | 'all-reduce' | 'all-gather' | 'round trip' | 'FIFO copy';

export interface CollectiveTimes {
  operation: Operation;
  bytes: number;
  /** Microseconds a call, of each round. */
  samples: number[];
}

/** Bytes that all calls of one kind move in a round; sets the number of calls, within bounds. */
const BYTES_PER_ROUND = 2 ** 22;
const CALLS = { min: 4, max: 200 };
/** The capacity of a FIFO on Linux. */
const PIECE_BYTES = 65_536;

interface Timed extends Omit<CollectiveTimes, 'samples'> {
  call(): void;
}

/** Times all operations in turn, on two ranks. */
export async function timeCollectives(
  group: ProcessGroup,
  { rounds, sizes }: CollectivesTask,
): Promise<CollectiveTimes[]> {
  const fifo = openFifo(group);
  try {
    const timed: Timed[] = [
      { operation: 'barrier', bytes: 0, call: () => group.barrier() },
      ...[0, ...sizes].map((bytes) => roundTrip(group, bytes)),
      ...sizes.flatMap((bytes) => [allReduce(group, bytes), allGather(group, bytes), copy(fifo, bytes)]),
    ];
    const results = timed.map(({ operation, bytes }): CollectiveTimes => ({ operation, bytes, samples: [] }));
    // The first round warms up the compiler and does not count.
    for (let round = -1; round < rounds; round++) {
      for (const [i, { bytes, call }] of timed.entries()) {
        const microseconds = time(group, bytes, call);
        if (round >= 0) results[i].samples.push(microseconds);
      }
    }
    return results;
  } finally {
    closeSync(fifo);
  }
}

function time(group: ProcessGroup, bytes: number, call: () => void): number {
  const calls = Math.min(CALLS.max, Math.max(CALLS.min, Math.floor(BYTES_PER_ROUND / Math.max(1, bytes))));
  group.barrier();
  const begin = performance.now();
  for (let i = 0; i < calls; i++) call();
  return (1000 * (performance.now() - begin)) / calls;
}

function allReduce(group: ProcessGroup, bytes: number): Timed {
  const values = new Float32Array(bytes / Float32Array.BYTES_PER_ELEMENT);
  return { operation: 'all-reduce', bytes, call: () => group.allReduce(values) };
}

function allGather(group: ProcessGroup, bytes: number): Timed {
  const all = new Uint8Array(group.size * bytes);
  const mine = all.subarray(group.rank * bytes, (group.rank + 1) * bytes);
  return { operation: 'all-gather', bytes, call: () => group.allGather(mine, all) };
}

function roundTrip(group: ProcessGroup, bytes: number): Timed {
  const message = new Uint8Array(bytes);
  const there = () => {
    group.send(message, 1);
    group.receive(message, 1);
  };
  const back = () => {
    group.receive(message, 0);
    group.send(message, 0);
  };
  return { operation: 'round trip', bytes, call: group.rank === 0 ? there : back };
}

/** Every rank writes to a FIFO and reads it empty again, without waiting for other ranks. */
function copy(fifo: number, bytes: number): Timed {
  const piece = new Uint8Array(PIECE_BYTES);
  const call = () => {
    for (let moved = 0; moved < bytes; ) {
      const written = writeSync(fifo, piece, 0, Math.min(PIECE_BYTES, bytes - moved));
      for (let read = 0; read < written; ) read += readSync(fifo, piece, 0, written - read, null);
      moved += written;
    }
  };
  return { operation: 'FIFO copy', bytes, call };
}

/** A FIFO that only this rank uses. */
function openFifo({ rank }: ProcessGroup): number {
  const path = join(tmpdir(), `copy-${rank}`);
  const { status, error, stderr } = spawnSync('mkfifo', [path], { encoding: 'utf8' });
  if (status !== 0) throw error ?? new Error(stderr.trim());
  // Opening it for one direction only would block until another process opens the other.
  return openSync(path, constants.O_RDWR);
}
