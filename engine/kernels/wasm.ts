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
  ATTENTION,
  ATTENTION_TILED,
  MATMUL_BF16,
  MATMUL_F16,
  MATMUL_F32,
  PACK_PANELS_16,
  PACK_PANELS_32,
  PACK_ROWS,
  QUERIES,
  SILU_MULTIPLY,
  STRIP,
} from './constants.ts';
import { compile } from './instance.ts';
import { type Kernels, LEAVES, PANEL, scoresLength } from './kernels.ts';
import { KernelMemory, throwDisposed } from './memory.ts';
import { packedBytes, readMatrix } from './pack.ts';
import { type PoolOptions, ThreadPool } from './pool.ts';
import { revectorize } from './revectorize.ts';
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
  /** Lets V8 fuse pairs of vectors into 256 bits; see {@link revectorize}. Default false. It changes no bit. */
  revectorize?: boolean;
}

/** Rows of a matmul that are computed together: what of them a thread works on stays in its cache. */
const BLOCK_ROWS = 128;
/** What a thread's tiles of such a block are summed in. */
const TILES_BYTES = BLOCK_ROWS * LEAVES * PANEL * Float32Array.BYTES_PER_ELEMENT;
/**
 * The largest head, and the largest block of the cache, for the tiles of attention: a thread's scratch memory has room for
 * 128 bytes of the one and 16 of the other, and denominators.
 */
const MAX_TILED = 256;
/** From so many rows on 16-bit weights are widened once for all; with 256-bit vectors each strip does it faster. */
const WIDEN_ROWS = 17;
/** Panels that are one part of a matmul: a single row reads four side by side. */
const PANELS_PER_PART = 4;
/** Values that are one part of an elementwise kernel. */
const ELEMENTS_PER_PART = 2 ** 14;

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
  const at = (name: string, view: ArrayBufferView) => memory.address(name, view);

  // Scratch memory: the rows of a block in strips, then each thread's widened leaf and its tiles' sums.
  let scratchInputs = 0;
  let scratchLeaf = 0;
  let strips = 0;
  const requireScratch = (ofInputs: number, leaves = LEAVES) => {
    const ofLeaf = Math.ceil(ofInputs / leaves);
    if (ofInputs <= scratchInputs && ofLeaf <= scratchLeaf) return;
    const inputs = Math.max(ofInputs, scratchInputs);
    const leaf = Math.max(ofLeaf, scratchLeaf);
    strips = memory.allocate(BLOCK_ROWS * inputs * Float32Array.BYTES_PER_ELEMENT);
    const leafBytes = leaf * PANEL * Float32Array.BYTES_PER_ELEMENT;
    const bytes = leafBytes + TILES_BYTES;
    wasm().setScratch(memory.allocate(threads * bytes), bytes);
    // At last, so that whoever goes on after memory ran out is refused again.
    scratchInputs = inputs;
    scratchLeaf = leaf;
  };

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
      requireScratch(inputs, leaves);
      const bytes = packedBytes(shape);
      const address = memory.allocate(bytes);
      const weightBytes = bytesPerWeight(dtype);
      // The rows wait to be packed where those of a matmul do.
      const most = (BLOCK_ROWS * Float32Array.BYTES_PER_ELEMENT) / weightBytes;
      readMatrix(shape, most, readRows, (rows, firstRow, numRows) => {
        new Uint8Array(memory.buffer, strips).set(rows);
        alive().share({
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
      requireScratch(inputs, leaves);
      for (let first = 0; first < rows; first += BLOCK_ROWS) {
        const block = Math.min(BLOCK_ROWS, rows - first);
        const blockFrom = from + first * inputs * Float32Array.BYTES_PER_ELEMENT;
        const blockTo = to + first * outputs * Float32Array.BYTES_PER_ELEMENT;
        if (block > 1) {
          alive().share({
            kernel: PACK_ROWS,
            units: Math.ceil(block / STRIP),
            grain: 1,
            args: [blockFrom, block, inputs, strips],
            work: block * inputs,
          });
        }
        alive().share({
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
      checkAttention(args, threads);
      const { blockSize, rows, startPosition, numAttentionHeads, numKeyValueHeads, headDim, scores } = args;
      const queriesPerKey = (rows * numAttentionHeads) / numKeyValueHeads;
      const isTiled = headDim % 8 === 0 && blockSize % 8 === 0 && Math.max(headDim, blockSize) <= MAX_TILED;
      requireScratch(1);
      const positions = rows * (startPosition + (rows + 1) / 2);
      alive().share({
        ...(isTiled
          ? { kernel: ATTENTION_TILED, units: numKeyValueHeads * Math.ceil(queriesPerKey / QUERIES) }
          : { kernel: ATTENTION, units: rows * numAttentionHeads }),
        grain: 1,
        args: [
          at('attention: q', args.q),
          at('attention: out', args.out),
          at('attention: keys', args.keys),
          at('attention: values', args.values),
          at('attention: blockTable', args.blockTable),
          blockSize,
          startPosition,
          numAttentionHeads,
          numKeyValueHeads,
          headDim,
          at('attention: scores', scores),
          (scoresLength(threads, startPosition + rows) / threads) * Float32Array.BYTES_PER_ELEMENT,
          rows,
        ],
        factor: args.scale,
        work: 2 * positions * numAttentionHeads * headDim,
      });
    },

    siluMultiply(gate, up, length) {
      checkElements('siluMultiply', gate, up, length);
      alive().share({
        kernel: SILU_MULTIPLY,
        units: length,
        grain: ELEMENTS_PER_PART,
        args: [at('siluMultiply: gate', gate), at('siluMultiply: up', up)],
        // The polynomial of an exp, and a division.
        work: 16 * length,
      });
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
