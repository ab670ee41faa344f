import test from 'ava';
import { attentionCall } from '../../../../engine/kernels/attention-call.ts';
import { ATTENTION, ATTENTION_TILED } from '../../../../engine/kernels/constants.ts';

const NAMES = ['q', 'out', 'keys', 'values', 'blockTable', 'scores'];

/** The call for so many rows of four query heads on two key heads; the address of an array is its number. */
function callOf(headDim: number, blockSize: number, rows = 9) {
  const arrays = NAMES.map(() => new Float32Array(1));
  const [q, out, keys, values, , scores] = arrays;
  const blockTable = new Int32Array(1);
  const views: ArrayBufferView[] = [q, out, keys, values, blockTable, scores];
  const at = (name: string, view: ArrayBufferView) => {
    const i = views.indexOf(view);
    if (name !== `attention: ${NAMES[i]}`) throw new Error(`${NAMES[i]} is called ${name}`);
    return 1000 + i;
  };
  const sizes = { blockSize, rows, startPosition: 5, numAttentionHeads: 4, numKeyValueHeads: 2, headDim };
  return attentionCall({ q, out, keys, values, blockTable, scores, scale: 0.5, ...sizes }, 3, at);
}

test('heads and blocks of whole vectors of eight are computed in tiles, all others one by one', (t) => {
  // Nine rows of two queries each make 18 for a key head: two tiles of up to 16.
  t.like(callOf(64, 16), { kernel: ATTENTION_TILED, units: 2 * 2 });
  t.like(callOf(256, 256), { kernel: ATTENTION_TILED });
  for (const [headDim, blockSize] of [
    [60, 16],
    [64, 12],
    [264, 16],
    [64, 264],
  ]) {
    t.like(callOf(headDim, blockSize), { kernel: ATTENTION, units: 9 * 4 }, `${headDim}, ${blockSize}`);
  }
});

test('a call names each array by its address, and the work there is', (t) => {
  const { args, factor, grain, work } = callOf(64, 16);
  t.deepEqual(args.slice(0, 11), [1000, 1001, 1002, 1003, 1004, 16, 5, 4, 2, 64, 1005]);
  t.is(args[12], 9);
  t.is(factor, 0.5);
  t.is(grain, 1);
  // Row i sees 6 + i positions, 90 in all: a product for the score and one for the value.
  t.is(work, 2 * 90 * 4 * 64);
});
