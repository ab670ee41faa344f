import { readFileSync } from 'node:fs';
import test from 'ava';
import { WIDENING_TILE_ROWS } from '../../../../engine/kernels/abi.ts';
import { KERNELS_URL } from '../../../../engine/kernels/sources.ts';
import { innermostLoops } from '../../../support/wasm/instructions.ts';

/** Times depend on the machine; what a loop executes does not, and decides them. */
const LOOPS = innermostLoops(readFileSync(KERNELS_URL));
const TILES = LOOPS.filter(({ fused }) => fused > 0);
/** Vectors of a panel of 16 outputs. */
const VECTORS = 4;

for (const rows of [3, 4, 5, 6]) {
  test(`tiles of ${rows} rows load each operand once for ${VECTORS * rows} fused multiply-adds, and store no sum`, (t) => {
    const loads = TILES.filter(({ fused, separate, stores }) => {
      return fused === VECTORS * rows && separate + stores === 0;
    }).map((tile) => tile.loads);
    // Of every row one value; of weights a panel of f32, or of 16 bits in half as many vectors.
    for (const weights of rows <= WIDENING_TILE_ROWS ? [VECTORS, VECTORS / 2] : [VECTORS]) {
      t.true(loads.includes(rows + weights), `${rows} + ${weights} loads are not among ${loads}`);
    }
  });
}

test('no loop multiplies and adds separately what it could fuse, nor loads more than two vectors for a sum', (t) => {
  t.true(TILES.length >= 20, `${TILES.length} loops`);
  for (const loop of TILES) {
    // Weights of f16 are widened by multiplications.
    t.true(loop.separate <= loop.fused && loop.loads <= 2 * loop.fused, JSON.stringify(loop));
  }
});

test('a loop is counted without those around it, instructions of blocks in it included', (t) => {
  const [header, typeSection] = [
    [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    [1, 4, 1, 0x60, 0, 0],
  ];
  const functionSection = [3, 2, 1, 0];
  const [add, fused, load] = [
    [0xfd, 0xe4, 1],
    [0xfd, 0x85, 2],
    [0xfd, 0, 4, 0x80, 1],
  ];
  const [block, loop, end] = [[2, 0x40], [3, 0x40], [0x0b]];
  // A constant whose bytes look like instructions.
  const constant = [0x44, ...loop, ...fused, ...add];
  const inner = [...loop, ...fused, ...block, ...fused, ...load, ...end, ...constant, ...end];
  const locals = [1, 1, 0x7b];
  const body = [...locals, ...loop, ...add, ...inner, ...end, ...add, ...end];
  const codeSection = [0x0a, body.length + 2, 1, body.length, ...body];
  const wasm = Uint8Array.from([...header, ...typeSection, ...functionSection, ...codeSection]);
  t.deepEqual(innermostLoops(wasm), [{ func: 0, fused: 2, separate: 0, loads: 1, stores: 0 }]);
});
