import { attentionCall } from './attention-call.ts';
import {
  checkAllocate,
  checkAttention,
  checkElements,
  checkGather,
  checkMatmul,
  checkPack,
  checkRmsNorm,
  checkRope,
  checkStoreKeyValue,
} from './checks.ts';
import {
  ADD,
  ADD_SCALED,
  MATMUL_BF16,
  MATMUL_F16,
  MATMUL_F32,
  PACK_PANELS_16,
  PACK_PANELS_32,
  PACK_ROWS,
  RMS_NORM,
  ROPE,
  SILU_MULTIPLY,
  STORE_KEY_VALUE,
  STRIP,
} from './constants.ts';
import { compile } from './instance.ts';
import { type Kernels, LEAVES, PANEL } from './kernels.ts';
import { KernelMemory, throwDisposed } from './memory.ts';
import { packedBytes, readMatrix } from './pack.ts';
import { type KernelCall, type PoolOptions, ThreadPool } from './pool.ts';
import { revectorize } from './revectorize.ts';
import { BLOCK_ROWS, Scratch } from './scratch.ts';
import { bytesPerWeight } from './widen.ts';

const MATMUL = { F32: MATMUL_F32, F16: MATMUL_F16, BF16: MATMUL_BF16 };

/** What {@link createWasmKernels} can be told. */
export interface WasmKernelsOptions extends PoolOptions {
  /** Bytes that may be allocated at most. Default 4 GiB, all that WebAssembly addresses. */
  maxBytes?: number;
  /** The compiled kernels. Default `build/kernels.wasm` beside this file. */
  wasmUrl?: URL;
  /** Threads that share the work, the calling one included; 1 … 256. Default 1. They change no bit. */
  threads?: number;
}

/** From so many rows on 16-bit weights are widened once for all; with 256-bit vectors each strip does it faster. */
const WIDEN_ROWS = 17;
/** Panels that are one part of a matmul: a single row reads four side by side. */
const PANELS_PER_PART = 4;

/**
 * The kernels in WebAssembly SIMD, compiled from `assembly/`, with a memory of their own.
 *
 * @throws KernelError if they are not built, were built from other sources, or no memory can be reserved.
 */
export async function createWasmKernels(options: WasmKernelsOptions = {}): Promise<Kernels> {
  const wasmUrl = options.wasmUrl ?? new URL('build/kernels.wasm', import.meta.url);
  if (options.revectorize) revectorize();
  const module = await compile(wasmUrl);
  const memory = new KernelMemory(options.maxBytes);
  let pool: ThreadPool | undefined = new ThreadPool(options.threads ?? 1, module, wasmUrl, memory, options);
  const threads = pool.size;
  const widenRows = options.revectorize ? BLOCK_ROWS + 1 : WIDEN_ROWS;
  const alive = () => pool ?? throwDisposed();
  const wasm = () => alive().functions;
  const share = (call: KernelCall) => alive().share(call);
  const at = (name: string, view: ArrayBufferView) => memory.address(name, view);

  const scratch = new Scratch(memory, threads, (address, bytes) => wasm().setScratch(address, bytes));

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
      const address = memory.allocate(length * Float32Array.BYTES_PER_ELEMENT);
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
      // The rows wait to be packed where those of a matmul do.
      const most = (BLOCK_ROWS * Float32Array.BYTES_PER_ELEMENT) / weightBytes;
      readMatrix(shape, most, readRows, (rows, firstRow, numRows) => {
        new Uint8Array(memory.buffer, strips).set(rows);
        share({
          kernel: weightBytes === 2 ? PACK_PANELS_16 : PACK_PANELS_32,
          units: Math.ceil(numRows / PANEL),
          grain: PANELS_PER_PART,
          args: [strips, numRows, inputs, address + firstRow * inputs * weightBytes],
          work: numRows * inputs,
        });
      });
      return { outputs, inputs, dtype, leaves, panels: new Uint8Array(memory.buffer, address, bytes) };
    },

    gather(matrix, ids, y) {
      checkGather(matrix, ids, y);
      const run = wasm()[`gather${matrix.dtype}`];
      const panels = at('gather: matrix', matrix.panels);
      const to = at('gather: y', y);
      for (let i = 0; i < ids.length; i++) run(panels, matrix.inputs, ids[i], to + i * matrix.inputs * 4);
    },

    matmul(x, rows, matrix, y) {
      checkMatmul(x, rows, matrix, y);
      const panels = at('matmul: matrix', matrix.panels);
      const { inputs, outputs, dtype, leaves } = matrix;
      const from = at('matmul: x', x);
      const to = at('matmul: y', y);
      const strips = scratch.require(inputs, leaves);
      for (let first = 0; first < rows; first += BLOCK_ROWS) {
        const block = Math.min(BLOCK_ROWS, rows - first);
        const blockFrom = from + first * inputs * Float32Array.BYTES_PER_ELEMENT;
        const blockTo = to + first * outputs * Float32Array.BYTES_PER_ELEMENT;
        if (block > 1) {
          share({
            kernel: PACK_ROWS,
            units: Math.ceil(block / STRIP),
            grain: 1,
            args: [blockFrom, block, inputs, strips],
            work: block * inputs,
          });
        }
        share({
          kernel: MATMUL[dtype],
          units: Math.ceil(outputs / PANEL),
          grain: PANELS_PER_PART,
          args: [block > 1 ? strips : blockFrom, block, inputs, panels, outputs, blockTo, leaves, widenRows],
          work: block * inputs * outputs,
        });
      }
    },

    rmsNorm(x, rows, weight, eps, y) {
      checkRmsNorm(x, rows, weight, y);
      const width = weight.length;
      share({
        kernel: RMS_NORM,
        units: rows,
        args: [at('rmsNorm: x', x), at('rmsNorm: weight', weight), width, at('rmsNorm: y', y)],
        factor: eps,
        work: 2 * rows * width,
      });
    },

    rope(x, rows, heads, headDim, cos, sin) {
      checkRope(x, rows, heads, headDim, cos, sin);
      share({
        kernel: ROPE,
        units: rows,
        args: [at('rope: x', x), heads, headDim, at('rope: cos', cos), at('rope: sin', sin)],
        work: 2 * rows * heads * headDim,
      });
    },

    storeKeyValue(args) {
      checkStoreKeyValue(args);
      const { rows, numKeyValueHeads, headDim } = args;
      share({
        kernel: STORE_KEY_VALUE,
        units: rows,
        args: [
          at('storeKeyValue: k', args.k),
          at('storeKeyValue: v', args.v),
          at('storeKeyValue: keys', args.keys),
          at('storeKeyValue: values', args.values),
          at('storeKeyValue: blockTable', args.blockTable),
          args.blockSize,
          args.startPosition,
          numKeyValueHeads,
          headDim,
        ],
        work: 2 * rows * numKeyValueHeads * headDim,
      });
    },

    attention(args) {
      checkAttention(args, threads);
      scratch.require(1);
      share(attentionCall(args, threads, at));
    },

    siluMultiply(gate, up, length) {
      checkElements('siluMultiply', gate, up, length);
      share({
        kernel: SILU_MULTIPLY,
        units: length,
        args: [at('siluMultiply: gate', gate), at('siluMultiply: up', up)],
        // The polynomial of an exp, and a division.
        work: 16 * length,
      });
    },

    add(x, y, length) {
      checkElements('add', x, y, length);
      share({ kernel: ADD, units: length, args: [at('add: x', x), at('add: y', y)], work: length });
    },

    addScaled(x, y, scale, length) {
      checkElements('addScaled', x, y, length);
      share({
        kernel: ADD_SCALED,
        units: length,
        args: [at('addScaled: x', x), at('addScaled: y', y)],
        factor: scale,
        work: length,
      });
    },
  };
}
