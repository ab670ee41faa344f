import test from 'ava';
import { KernelError } from '../../../../engine/errors.ts';
import { PANEL, TILE_ROWS } from '../../../../engine/kernels/abi.ts';
import { KernelMemory } from '../../../../engine/kernels/memory.ts';
import { LEAVES } from '../../../../engine/kernels/numerics.ts';
import { BLOCK_ROWS, Scratch } from '../../../../engine/kernels/scratch.ts';

const FLOAT = 4;
/** Bytes of a thread for a leaf of that many inputs; a block of 256 rows has 43 strips. */
const threadBytes = (leaf: number) => (leaf + 43 * TILE_ROWS * LEAVES) * PANEL * FLOAT;

function scratchOf(threads: number, maxBytes = 2 ** 28) {
  const memory = new KernelMemory(maxBytes);
  const told: [address: number, bytes: number][] = [];
  const scratch = new Scratch(memory, threads, (address, bytes) => told.push([address, bytes]));
  return { memory, scratch, told };
}

test('scratch memory has room for a block of rows, and for the leaf and the tiles of each thread', (t) => {
  const { memory, scratch, told } = scratchOf(3);
  const strips = scratch.require(100);
  t.is(told.length, 1);
  const [address, bytes] = told[0];
  t.is(bytes, threadBytes(Math.ceil(100 / LEAVES)));
  t.true(address >= strips + BLOCK_ROWS * 100 * FLOAT);
  t.true(memory.bytesAllocated >= BLOCK_ROWS * 100 * FLOAT + 3 * bytes);
});

test('scratch memory grows with the widest matrix and the longest leaf, and only then', (t) => {
  const { memory, scratch, told } = scratchOf(1);
  const strips = scratch.require(800);
  const allocated = memory.bytesAllocated;
  t.is(scratch.require(100), strips);
  t.is(scratch.require(100, 1), strips, 'its leaf of 100 inputs is no longer than one of 800 in eight');
  t.is(memory.bytesAllocated, allocated);
  const larger = scratch.require(400, 2);
  t.not(larger, strips, 'a leaf of 200 is');
  t.is(told.at(-1)?.[1], threadBytes(200));
  t.true(told.at(-1)![0] >= larger + BLOCK_ROWS * 800 * FLOAT, 'the rows of the widest still fit');
  scratch.require(900);
  t.is(told.at(-1)?.[1], threadBytes(200), 'nothing shrinks');
});

test('scratch memory that does not fit is refused each time', (t) => {
  const { scratch } = scratchOf(1, 2 ** 20);
  const expected = {
    instanceOf: KernelError,
    message:
      'cannot allocate 9.8 MiB: 0.0 MiB of at most 1.0 MiB are in use; use a smaller model or a smaller cache',
  };
  t.throws(() => scratch.require(10_000), expected);
  t.throws(() => scratch.require(10_000), expected);
});
