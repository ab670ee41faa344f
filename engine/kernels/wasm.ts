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
import { instantiate, type KernelFunctions } from './instance.ts';
import { type Kernels, LEAVES, PANEL } from './kernels.ts';
import { KernelMemory, throwDisposed } from './memory.ts';
import { packedBytes, packPanels } from './pack.ts';
import { bytesPerWeight } from './widen.ts';

/** What {@link createWasmKernels} can be told. */
export interface WasmKernelsOptions {
  /** Bytes that may be allocated at most. Default 4 GiB, all that WebAssembly addresses. */
  maxBytes?: number;
  /** The compiled kernels. Default `build/kernels.wasm` beside this file. */
  wasmUrl?: URL;
}

/** What a tile of the matmul works in: the sums of four panels for every leaf. */
const TILE_BYTES = 4 * PANEL * LEAVES * Float32Array.BYTES_PER_ELEMENT;

/**
 * The kernels in WebAssembly SIMD, compiled from `assembly/`, with a memory of their own.
 *
 * @throws KernelError if they are not built, were built from other sources, or no memory can be reserved.
 */
export async function createWasmKernels(options: WasmKernelsOptions = {}): Promise<Kernels> {
  const memory = new KernelMemory(options.maxBytes);
  const wasmUrl = options.wasmUrl ?? new URL('build/kernels.wasm', import.meta.url);
  let functions: KernelFunctions | undefined = await instantiate(wasmUrl, memory.memory);
  const wasm = () => functions ?? throwDisposed();
  const at = (name: string, view: ArrayBufferView) => memory.address(name, view);

  let scratchBytes = 0;
  let scratch = 0;
  const requireScratch = (bytes: number) => {
    if (bytes <= scratchBytes) return;
    scratch = memory.allocate(bytes);
    scratchBytes = bytes;
  };
  requireScratch(TILE_BYTES);

  return {
    name: 'wasm',

    get bytesAllocated() {
      return memory.bytesAllocated;
    },

    dispose() {
      functions = undefined;
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
      // A panel of 16-bit weights is widened for many rows at once; its f32s follow the tile.
      const widens = bytesPerWeight(shape.dtype) < Float32Array.BYTES_PER_ELEMENT;
      if (widens) requireScratch(TILE_BYTES + PANEL * shape.inputs * Float32Array.BYTES_PER_ELEMENT);
      const bytes = packedBytes(shape);
      const address = memory.allocate(bytes);
      return packPanels(shape, readRows, new Uint8Array(memory.buffer, address, bytes));
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
      const { inputs, outputs, dtype } = matrix;
      const run = wasm()[`matmul${dtype}`];
      run(at('matmul: x', x), rows, inputs, panels, outputs, at('matmul: y', y), scratch);
    },

    rmsNorm(x, rows, weight, eps, y) {
      checkRmsNorm(x, rows, weight, y);
      const gains = at('rmsNorm: weight', weight);
      wasm().rmsNorm(at('rmsNorm: x', x), rows, gains, weight.length, eps, at('rmsNorm: y', y));
    },

    rope(x, rows, heads, headDim, cos, sin) {
      checkRope(x, rows, heads, headDim, cos, sin);
      wasm().rope(at('rope: x', x), rows, heads, headDim, at('rope: cos', cos), at('rope: sin', sin));
    },

    storeKeyValue(args) {
      checkStoreKeyValue(args);
      wasm().storeKeyValue(
        at('storeKeyValue: k', args.k),
        at('storeKeyValue: v', args.v),
        at('storeKeyValue: keys', args.keys),
        at('storeKeyValue: values', args.values),
        at('storeKeyValue: blockTable', args.blockTable),
        args.blockSize,
        args.rows,
        args.startPosition,
        args.numKeyValueHeads,
        args.headDim,
      );
    },

    attention(args) {
      checkAttention(args);
      wasm().attention(
        at('attention: q', args.q),
        at('attention: out', args.out),
        at('attention: keys', args.keys),
        at('attention: values', args.values),
        at('attention: blockTable', args.blockTable),
        args.blockSize,
        args.rows,
        args.startPosition,
        args.numAttentionHeads,
        args.numKeyValueHeads,
        args.headDim,
        args.scale,
        at('attention: scores', args.scores),
      );
    },

    siluMultiply(gate, up, length) {
      checkElements('siluMultiply', gate, up, length);
      wasm().siluMultiply(at('siluMultiply: gate', gate), at('siluMultiply: up', up), length);
    },

    add(x, y, length) {
      checkElements('add', x, y, length);
      wasm().add(at('add: x', x), at('add: y', y), length);
    },

    addScaled(x, y, scale, length) {
      checkElements('addScaled', x, y, length);
      wasm().addScaled(at('addScaled: x', x), at('addScaled: y', y), scale, length);
    },
  };
}
