// A program: compares the compiled, emulated multiply-add with the scalar one, and prints what differs.
import { fusedMultiplyAdd } from '../../../../engine/kernels/fused.ts';
import { compile, instantiate, readKernels } from '../../../../engine/kernels/instance.ts';
import type { Loops } from '../../../../engine/kernels/loops.ts';
import { KernelMemory } from '../../../../engine/kernels/memory.ts';
import { EMULATED_NAME, KERNELS_URL } from '../../../../engine/kernels/sources.ts';
import { arrayOf } from './arrays.ts';

/** Factors and summands whose last bit depends on how f64 is rounded to odd, see fused.spec.ts. */
const a = 2 ** -12 * (1 + 2 ** -20);
const b = 2 ** -12 * (1 - 2 ** -20);
const tie = 1 + 2 ** -23;
const DECIDING: [number, number, number][] = [
  [a, b, 1],
  [a, b, tie],
  [-a, b, -tie],
  // Less than half a unit of f64 below 1 + 2⁻²³ + 2⁻²⁴: the sum in f64 is odd, and stays as it is.
  [2 ** -12 * (1 + 3 * 2 ** -16), 2 ** -12 * (1 - 3 * 2 ** -16), tie],
  [2 ** -12 * (1 + 2 ** -12), 2 ** -12 * (1 - 2 ** -12 + 2 ** -24), 1],
  [2 ** -63 * a, 2 ** -63 * b, 2 ** -130 + 2 ** -149],
  [2 ** 64 * a, 2 ** 63 * b, 2 ** 128 - 2 ** 104],
];

const url = new URL(EMULATED_NAME, KERNELS_URL);
const { memory } = new KernelMemory(2 ** 16);
const loops = instantiate(compile(await readKernels(url), url), url, memory) as unknown as Loops;
const [x, w, result] = [1024, 2048, 4096];
const floats = new Float32Array(memory.buffer);
const [p, q, c] = [1, 2, 3].map((seed) => arrayOf(5000, seed, 'wild'));
const operands = [...p].flatMap((value, i): [number, number, number][] =>
  // Sums that cancel, and sums of which the product is the rounding error, decide.
  [c[i], -value * q[i], value * q[i] * 2 ** 24].map((summand) => [value, q[i], Math.fround(summand)]),
);
let right = 0;
for (const [value, weight, summand] of [...DECIDING, ...operands]) {
  // Two inputs of a row: summand · 1 + 0, to which value · weight is added, in all 16 outputs of a panel.
  floats.set([summand, value], x / 4);
  floats.fill(1, w / 4, w / 4 + 16).fill(weight, w / 4 + 16, w / 4 + 32);
  loops.panel1(x, x + 8, w, 64, result);
  const expected = fusedMultiplyAdd(value, weight, fusedMultiplyAdd(summand, 1, 0));
  const lane = floats.subarray(result / 4, result / 4 + 16).findIndex((got) => !Object.is(got, expected));
  if (lane < 0) right++;
  else console.log(`${value} · ${weight} + ${summand}: ${floats[result / 4 + lane]}, expected ${expected}`);
}
console.log(`${right} sums are right`);
