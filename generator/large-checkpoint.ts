import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { renameSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { safetensorsLayout } from '../engine/checkpoint/safetensors-writer.ts';
import { expectedWeights } from '../engine/checkpoint/weights.ts';
import type { ModelConfig } from '../engine/config.ts';
import type { LargeCheckpointShare } from './large-checkpoint-worker.ts';
import { temporary } from './temporary.ts';
import type { BlockRecipe } from './weight-blocks.ts';

/** Told how far a checkpoint is: bytes of weights that are written, and all of them. */
export type MakingProgress = (done: number, total: number) => void;

/** What {@link writeLargeCheckpoint} takes. */
export interface LargeCheckpointOptions {
  /** Threads that draw and write; the bytes are the same for any number. Default: one for each core, at most 8. */
  threads?: number;
  onProgress?: MakingProgress;
}

/** More would wait for the disk. */
const MOST_THREADS = 8;

/**
 * Writes seeded bf16 weights for every tensor that HuggingFace's model of this configuration has, to one safetensors
 * file. No more than a block for each thread is ever in memory.
 *
 * @throws Error of the file system, with its code, if the file cannot be written; nothing of it is left, no thread
 * either.
 */
export async function writeLargeCheckpoint(
  path: string,
  config: ModelConfig,
  recipe: BlockRecipe,
  options: LargeCheckpointOptions = {},
): Promise<void> {
  const { threads = Math.min(availableParallelism(), MOST_THREADS), onProgress = () => {} } = options;
  const shapes = expectedWeights(config);
  const layout = safetensorsLayout(
    new Map([...shapes].map(([name, shape]) => [name, { dtype: 'BF16', shape }])),
    { format: 'pt' },
  );
  const total = layout.bytes - layout.header.byteLength;
  const unfinished = temporary(`${path}.${randomUUID()}.tmp`);
  const share: LargeCheckpointShare = {
    path: unfinished.path,
    recipe,
    tensors: layout.order.map((name) => ({
      name,
      shape: shapes.get(name)!,
      begin: layout.begins.get(name)!,
    })),
    taken: new Int32Array(new SharedArrayBuffer(4)),
  };
  const workers: Worker[] = [];
  try {
    writeFileSync(unfinished.path, layout.header);
    let done = 0;
    for (let i = 0; i < threads; i++) {
      const worker = new Worker(new URL('./large-checkpoint-worker.ts', import.meta.url), {
        workerData: share,
      });
      worker.on('message', (bytes: number) => {
        done += bytes;
        onProgress(done, total);
      });
      workers.push(worker);
    }
    // A thread that fails rejects with its error.
    await Promise.all(workers.map((worker) => once(worker, 'exit')));
    renameSync(unfinished.path, path);
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
    unfinished.remove();
  }
}
