import { KernelError } from '../errors.ts';
import { PANEL } from './abi.ts';
import {
  checkAllocate,
  checkArgmax,
  checkElements,
  checkGather,
  checkMatmul,
  checkPack,
  checkRmsNorm,
  checkRope,
} from './checks.ts';
import { siluF32, sumByFour } from './exp.ts';
import { fusedMultiplyAdd } from './fused.ts';
import type { Kernels, PackedMatrix, RmsNormArgs, RopeArgs } from './kernels.ts';
import { laneOf, packedBytes, packPanels } from './pack.ts';
import { attention, storeKeyValue } from './scalar-attention.ts';
import { weightBits, widenBits } from './widen.ts';

/** Rounds to f32. A double's +, −, ·, / or √ of f32s, rounded once, equals the f32 operation. */
const f = Math.fround;

/** The limit of the SIMD kernels, too: all that WebAssembly addresses. */
const MAX_BYTES = 2 ** 32;

/** The numerics of `kernels.ts` in plain, readable TypeScript. The SIMD kernels must give the same bits. */
export function createScalarKernels(): Kernels {
  let bytesAllocated = 0;
  const allocateBytes = (bytes: number) => {
    // Refused before the attempt: a worker thread of Node 26 ends when a buffer cannot be allocated.
    if (bytesAllocated + bytes > MAX_BYTES) {
      throw new KernelError(
        `cannot allocate ${bytes} bytes: ${MAX_BYTES - bytesAllocated} of 4 GiB are free; use a smaller model or a smaller cache`,
      );
    }
    bytesAllocated += bytes;
    return new ArrayBuffer(bytes);
  };
  return {
    name: 'scalar',
    threads: 1,
    get bytesAllocated() {
      return bytesAllocated;
    },
    dispose() {
      bytesAllocated = 0;
    },
    allocate(length) {
      checkAllocate(length);
      return new Float32Array(allocateBytes(4 * length));
    },
    allocateInt32(length) {
      checkAllocate(length);
      return new Int32Array(allocateBytes(4 * length));
    },
    pack(shape, readRows) {
      checkPack(shape);
      return packPanels(shape, readRows, new Uint8Array(allocateBytes(packedBytes(shape))));
    },
    gather,
    matmul,
    rmsNorm,
    rope,
    storeKeyValue,
    attention,
    siluMultiply,
    add,
    addScaled,
    argmax,
  };
}

/** Row `output` of a packed matrix, widened into y from `offset` on. */
function readRow(matrix: PackedMatrix, output: number, y: Float32Array, offset = 0): void {
  const { dtype, inputs, panels } = matrix;
  const bits = weightBits(dtype, panels);
  const lane = laneOf(dtype, output % PANEL);
  const panel = Math.floor(output / PANEL) * PANEL * inputs;
  for (let k = 0; k < inputs; k++) y[offset + k] = widenBits(dtype, bits[panel + k * PANEL + lane]);
}

function gather(matrix: PackedMatrix, ids: ArrayLike<number>, y: Float32Array): void {
  checkGather(matrix, ids, y);
  for (let i = 0; i < ids.length; i++) readRow(matrix, ids[i], y, i * matrix.inputs);
}

function matmul(x: Float32Array, rows: number, matrix: PackedMatrix, y: Float32Array): void {
  checkMatmul(x, rows, matrix, y);
  const { outputs, inputs, leaves } = matrix;
  const weights = new Float32Array(inputs);
  for (let n = 0; n < outputs; n++) {
    readRow(matrix, n, weights);
    for (let row = 0; row < rows; row++) y[row * outputs + n] = dot(x, row * inputs, weights, leaves);
  }
}

/** Σ_k x[offset + k] · weights[k] over the leaves and their tree. */
function dot(x: Float32Array, offset: number, weights: Float32Array, leaves: number): number {
  const inputs = weights.length;
  const leafLength = Math.ceil(inputs / leaves);
  const leaf = (index: number) => {
    let sum = 0;
    const end = Math.min((index + 1) * leafLength, inputs);
    for (let k = index * leafLength; k < end; k++) sum = fusedMultiplyAdd(x[offset + k], weights[k], sum);
    return sum;
  };
  const tree = (first: number, count: number): number =>
    count === 1 ? leaf(first) : f(tree(first, count / 2) + tree(first + count / 2, count / 2));
  return tree(0, leaves);
}

function rmsNorm(args: RmsNormArgs): void {
  checkRmsNorm(args);
  const { x, rows, weight, eps, y } = args;
  const width = weight.length;
  for (let row = 0; row < rows; row++) {
    const from = row * width;
    const sum = sumByFour(width, (i) => f(x[from + i] * x[from + i]));
    const scale = f(1 / f(Math.sqrt(f(f(sum / width) + f(eps)))));
    for (let i = 0; i < width; i++) y[from + i] = f(f(x[from + i] * scale) * weight[i]);
  }
}

function rope(args: RopeArgs): void {
  checkRope(args);
  const { x, rows, heads, headDim, cos, sin } = args;
  const half = headDim / 2;
  for (let row = 0; row < rows; row++) {
    for (let head = 0; head < heads; head++) {
      for (let d = 0; d < half; d++) {
        const first = (row * heads + head) * headDim + d;
        const second = first + half;
        const [a, b] = [x[first], x[second]];
        const [c, s] = [cos[row * half + d], sin[row * half + d]];
        x[first] = f(f(a * c) - f(b * s));
        x[second] = f(f(b * c) + f(a * s));
      }
    }
  }
}

function siluMultiply(gate: Float32Array, up: Float32Array, length: number): void {
  checkElements('siluMultiply', gate, up, length);
  for (let i = 0; i < length; i++) gate[i] = f(siluF32(gate[i]) * up[i]);
}

function add(x: Float32Array, y: Float32Array, length: number): void {
  checkElements('add', x, y, length);
  for (let i = 0; i < length; i++) x[i] = f(x[i] + y[i]);
}

function addScaled(x: Float32Array, y: Float32Array, scale: number, length: number): void {
  checkElements('addScaled', x, y, length);
  const factor = f(scale);
  for (let i = 0; i < length; i++) x[i] = f(x[i] + f(factor * y[i]));
}

function argmax(x: Float32Array, rows: number, width: number, indices: Int32Array): void {
  checkArgmax(x, rows, width, indices);
  for (let row = 0; row < rows; row++) {
    const values = x.subarray(row * width, (row + 1) * width);
    const best = values.reduce((largest, value, i) => (value > values[largest] ? i : largest), 0);
    indices[row] = values.every(Number.isFinite) ? best : -1;
  }
}
