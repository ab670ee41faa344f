import { formatDiagnostic } from '../terminal/diagnostic.ts';
import { attentionCall } from './attention-call.ts';
import {
  checkAllocate,
  checkArgmax,
  checkAttention,
  checkElements,
  checkGather,
  checkMatmul,
  checkPack,
  checkRmsNorm,
  checkRope,
  checkStoreKeyValue,
} from './checks.ts';
import type { Kernels } from './kernels.ts';
import { matmulCall, numStrips, packPanelsCall, packRowsCall } from './matmul-calls.ts';
import { KernelMemory, throwDisposed } from './memory.ts';
import { LEAVES } from './numerics.ts';
import { packedBytes, readMatrix } from './pack.ts';
import { type KernelCall, type PoolOptions, ThreadPool } from './pool.ts';
import { BLOCK_ROWS, Scratch } from './scratch.ts';
import { selectKernels } from './select.ts';
import { KERNELS_URL } from './sources.ts';
import { KERNELS } from './table.ts';
import { bytesPerWeight } from './widen.ts';

const GATHER = { F32: KERNELS.gatherF32, F16: KERNELS.gatherF16, BF16: KERNELS.gatherBF16 };
const FLOAT = Float32Array.BYTES_PER_ELEMENT;

/** Options of {@link createWasmKernels}. */
export interface WasmKernelsOptions extends PoolOptions {
  /** The most bytes that may be allocated. Default 4 GiB, all that WebAssembly addresses. */
  maxBytes?: number;
  /** The compiled kernels. Default `build/kernels.wasm` beside this file. */
  wasmUrl?: URL;
  /** Threads that share the work, the calling one included; 1 … 256. Default 1. They change no bit. */
  threads?: number;
  /**
   * Lets V8 fuse pairs of vectors into 256 bits where that is safe; see `select.ts`. Default true. It
   * changes no bit.
   */
  revectorize?: boolean;
  /** Gets a line if the kernels are slow here. Default: printed on standard error, once in a process. */
  onWarning?: (line: string) => void;
}

let isWarned = false;
function printWarning(line: string): void {
  const diagnostic = { level: 'warning', message: line, prefix: 'plumbline: ' } as const;
  if (!isWarned) process.stderr.write(formatDiagnostic(diagnostic));
  isWarned = true;
}

/**
 * The kernels in WebAssembly SIMD, compiled from `assembly/`, with a memory of their own.
 *
 * @throws KernelError if they are not built, were built from other sources, or no memory can be reserved.
 */
export async function createWasmKernels(options: WasmKernelsOptions = {}): Promise<Kernels> {
  const wasmUrl = options.wasmUrl ?? KERNELS_URL;
  const { revectorize = true, onWarning = printWarning } = options;
  const memory = new KernelMemory(options.maxBytes);
  const choice = { memory: memory.memory, revectorize, onWarning };
  const { module, isWide } = await selectKernels(wasmUrl, choice);
  const size = options.threads ?? 1;
  let pool: ThreadPool | undefined = new ThreadPool({ ...options, size, module, isWide, wasmUrl, memory });
  const threads = pool.size;
  const alive = () => pool ?? throwDisposed();
  const share = <A extends object>(call: KernelCall<A>) => alive().share(call);
  const at = (name: string, view: ArrayBufferView) => memory.address(name, view);

  const scratch = new Scratch(memory, threads, (address, bytes) =>
    alive().functions.setScratch(address, bytes),
  );

  return {
    name: 'wasm',
    threads,

    get bytesAllocated() {
      return memory.bytesAllocated;
    },

    dispose() {
      pool?.close();
      pool = undefined;
      memory.dispose();
    },

    allocate(length) {
      checkAllocate(length);
      const address = memory.allocate(length * FLOAT);
      return new Float32Array(memory.buffer, address, length);
    },

    allocateInt32(length) {
      checkAllocate(length);
      const address = memory.allocate(length * Int32Array.BYTES_PER_ELEMENT);
      return new Int32Array(memory.buffer, address, length);
    },

    pack(shape, readRows) {
      checkPack(shape);
      const { outputs, inputs, dtype, leaves = LEAVES } = shape;
      const strips = scratch.require(inputs, leaves);
      const bytes = packedBytes(shape);
      const address = memory.allocate(bytes);
      const weightBytes = bytesPerWeight(dtype);
      // Rows are read into a part of the memory that a matmul has for its strips. Strips that later grow for
      // a wider matrix have been touched no further, and untouched memory takes none.
      const most = (BLOCK_ROWS / 4) * (FLOAT / weightBytes);
      readMatrix(shape, most, readRows, (rows, firstRow, numRows) => {
        new Uint8Array(memory.buffer, strips).set(rows);
        const panels = address + firstRow * inputs * weightBytes;
        share(packPanelsCall(dtype, { weights: strips, rows: numRows, inputs, panels }));
      });
      return { outputs, inputs, dtype, leaves, panels: new Uint8Array(memory.buffer, address, bytes) };
    },

    gather(matrix, ids, y) {
      checkGather(matrix, ids, y);
      const { inputs, dtype } = matrix;
      const panels = at('gather: matrix', matrix.panels);
      const to = at('gather: y', y);
      for (let i = 0; i < ids.length; i++) {
        const args = { panels, inputs, id: ids[i], y: to + i * inputs * FLOAT };
        share({ kernel: GATHER[dtype], args, units: 1, work: inputs });
      }
    },

    matmul(x, rows, matrix, y) {
      checkMatmul(x, rows, matrix, y);
      const panels = at('matmul: matrix', matrix.panels);
      const { inputs, outputs, dtype, leaves } = matrix;
      const from = at('matmul: x', x);
      const to = at('matmul: y', y);
      const strips = scratch.require(inputs, leaves);
      // Equal blocks, because each of them reads all weights.
      const most = Math.ceil(rows / Math.ceil(rows / BLOCK_ROWS));
      for (let first = 0; first < rows; first += most) {
        const block = Math.min(most, rows - first);
        const blockFrom = from + first * inputs * FLOAT;
        const shape = { rows: block, numStrips: numStrips(block, dtype, isWide), inputs };
        if (block > 1) share(packRowsCall({ x: blockFrom, ...shape, strips }));
        const args = {
          ...{ x: block > 1 ? strips : blockFrom, ...shape, panels, outputs },
          ...{ y: to + first * outputs * FLOAT, leaves, isWide: Number(isWide) },
        };
        share(matmulCall(dtype, args));
      }
    },

    rmsNorm(args) {
      checkRmsNorm(args);
      const { rows, weight, eps } = args;
      const width = weight.length;
      share({
        kernel: KERNELS.rmsNorm,
        args: {
          x: at('rmsNorm: x', args.x),
          weight: at('rmsNorm: weight', weight),
          width,
          eps,
          y: at('rmsNorm: y', args.y),
        },
        units: rows,
        work: 2 * rows * width,
      });
    },

    rope(args) {
      checkRope(args);
      const { rows, heads, headDim } = args;
      share({
        kernel: KERNELS.rope,
        args: {
          x: at('rope: x', args.x),
          heads,
          headDim,
          cos: at('rope: cos', args.cos),
          sin: at('rope: sin', args.sin),
        },
        units: rows,
        work: 2 * rows * heads * headDim,
      });
    },

    storeKeyValue(args) {
      checkStoreKeyValue(args);
      const { rows, numKeyValueHeads, headDim } = args;
      share({
        kernel: KERNELS.storeKeyValue,
        args: {
          k: at('storeKeyValue: k', args.k),
          v: at('storeKeyValue: v', args.v),
          keys: at('storeKeyValue: keys', args.keys),
          values: at('storeKeyValue: values', args.values),
          slots: at('storeKeyValue: slots', args.slots),
          blockSize: args.blockSize,
          numKeyValueHeads,
          headDim,
        },
        units: rows,
        // Positions of a block lie in the same cache lines, which two threads would take from each other.
        grain: Math.ceil(rows / threads),
        // Each value is written to a line of its own.
        work: 32 * rows * numKeyValueHeads * headDim,
      });
    },

    attention(args) {
      checkAttention(args, threads);
      scratch.require(1);
      share(attentionCall(args, { threads, isWide }, at));
    },

    siluMultiply(gate, up, length) {
      checkElements('siluMultiply', gate, up, length);
      scratch.require(1);
      share({
        kernel: KERNELS.siluMultiply,
        args: { gate: at('siluMultiply: gate', gate), up: at('siluMultiply: up', up) },
        units: length,
        // The polynomial of an exp, and a division.
        work: 16 * length,
      });
    },

    add(x, y, length) {
      checkElements('add', x, y, length);
      const args = { x: at('add: x', x), y: at('add: y', y) };
      share({ kernel: KERNELS.add, args, units: length, work: length });
    },

    addScaled(x, y, scale, length) {
      checkElements('addScaled', x, y, length);
      const args = { x: at('addScaled: x', x), y: at('addScaled: y', y), scale };
      share({ kernel: KERNELS.addScaled, args, units: length, work: length });
    },

    argmax(x, rows, width, indices) {
      checkArgmax(x, rows, width, indices);
      const args = { x: at('argmax: x', x), width, indices: at('argmax: indices', indices) };
      share({ kernel: KERNELS.argmax, args, units: rows, work: rows * width });
    },
  };
}
