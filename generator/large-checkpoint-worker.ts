/** A thread of {@link writeLargeCheckpoint}: draws blocks and writes them to their places until none is left. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { BLOCK_VALUES, type BlockRecipe, countBlocks, WeightBlocks } from './weight-blocks.ts';

/** What a thread is given. */
export interface LargeCheckpointShare {
  /** The file, which exists. */
  path: string;
  recipe: BlockRecipe;
  /** All tensors, and where in the file each begins. */
  tensors: { name: string; shape: readonly number[]; begin: number }[];
  /** One number that all threads share: the blocks that have been taken, in the order of the tensors. */
  taken: Int32Array;
}

const { path, recipe, tensors, taken } = workerData as LargeCheckpointShare;
const blocks = tensors.flatMap((tensor) =>
  Array.from({ length: countBlocks(tensor.shape) }, (_, block) => ({ ...tensor, block })),
);
const weights = new WeightBlocks(recipe);
const fd = openSync(path, 'r+');
try {
  for (let next = take(); next < blocks.length; next = take()) {
    const { name, shape, begin, block } = blocks[next];
    const values = weights.draw(name, shape, block);
    writeAt(begin + block * BLOCK_VALUES * values.BYTES_PER_ELEMENT, values);
    parentPort!.postMessage(values.byteLength);
  }
} finally {
  closeSync(fd);
}

function take(): number {
  return Atomics.add(taken, 0, 1);
}

function writeAt(position: number, values: Uint16Array): void {
  for (let done = 0; done < values.byteLength; ) {
    done += writeSync(fd, new Uint8Array(values.buffer, done), 0, values.byteLength - done, position + done);
  }
}
