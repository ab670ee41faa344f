import { KernelError } from '../errors.ts';
import { type SharedMemory, WebAssembly } from './web-assembly.ts';

const PAGE_BYTES = 2 ** 16;
/**
 * The range of 32-bit addresses, less a page, so that the end of an array never wraps around to address 0.
 */
const ADDRESSABLE_BYTES = 2 ** 32 - PAGE_BYTES;
/** A cache line. Also the first allocated address, so that no array begins at a null pointer. */
const ALIGNMENT = 64;
/** The least growth of memory: each makes a new SharedArrayBuffer, while untouched pages cost nothing. */
const GROWTH_BYTES = 2 ** 24;

const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

/** @throws KernelError always: the memory was released. */
export function throwDisposed(): never {
  throw new KernelError('cannot use kernels that were disposed of; create new ones');
}

/**
 * One WebAssembly memory, allocated from its beginning to its end and released as a whole. It is shared:
 * views stay valid when it grows, and threads can work on it.
 */
export class KernelMemory {
  readonly #maxBytes: number;
  /** Every value that {@link buffer} has had: a view keeps the buffer it was made with. */
  readonly #buffers = new WeakSet<ArrayBufferLike>();
  #memory: SharedMemory | undefined;
  #buffer: SharedArrayBuffer | undefined;
  #top = ALIGNMENT;

  /**
   * @param maxBytes the most that may be allocated; default 4 GiB, all that WebAssembly addresses
   * @throws KernelError if maxBytes is out of range, or there is no address space for it.
   */
  constructor(maxBytes: number = 2 ** 32) {
    if (!Number.isInteger(maxBytes) || maxBytes < PAGE_BYTES || maxBytes > 2 ** 32) {
      throw new KernelError(
        `maxBytes is ${maxBytes}, expected a whole number of ${PAGE_BYTES} to ${2 ** 32}: WebAssembly addresses 4 GiB`,
      );
    }
    this.#maxBytes = Math.min(maxBytes, ADDRESSABLE_BYTES);
    const maximum = Math.floor(this.#maxBytes / PAGE_BYTES);
    try {
      this.#memory = new WebAssembly.Memory({ initial: 1, maximum, shared: true });
    } catch (cause) {
      throw new KernelError(
        `cannot reserve ${mebibytes(this.#maxBytes)} of address space for the kernels; check the limit of "ulimit -v"`,
        { cause },
      );
    }
    this.#takeBuffer();
  }

  /** The memory itself. @throws KernelError if it was disposed of. */
  get memory(): SharedMemory {
    return this.#memory ?? throwDisposed();
  }

  /**
   * The memory's bytes, for every view. `memory.buffer` does not serve: V8 replaces that object whenever any
   * shared memory of the process grows (crbug.com/492128992), and {@link address} would not recognise it.
   *
   * @throws KernelError if the memory was disposed of.
   */
  get buffer(): SharedArrayBuffer {
    return this.#buffer ?? throwDisposed();
  }

  /** Bytes allocated. */
  get bytesAllocated(): number {
    return this.#memory === undefined ? 0 : this.#top - ALIGNMENT;
  }

  /**
   * Allocates zeroed memory.
   *
   * @returns its address, a multiple of 64.
   * @throws KernelError if too few bytes are left, or the memory was disposed of.
   */
  allocate(bytes: number): number {
    const address = this.#top;
    const end = address + Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
    if (end > this.buffer.byteLength) this.#grow(bytes, end);
    this.#top = end;
    return address;
  }

  /**
   * The address of a view.
   *
   * @param name of the view, for the message
   * @throws KernelError if the view lies elsewhere, or the memory was disposed of.
   */
  address(name: string, view: ArrayBufferView): number {
    if (view.buffer !== this.buffer && !this.#buffers.has(view.buffer)) {
      throw new KernelError(
        `${name} is not in the memory of these kernels; get it from their allocate(), allocateInt32() or pack()`,
      );
    }
    return view.byteOffset;
  }

  /** Drops the memory; it is freed with its last view. */
  dispose(): void {
    this.#memory = undefined;
    this.#buffer = undefined;
  }

  #grow(asked: number, end: number): void {
    const size = this.buffer.byteLength;
    const limit = Math.floor(this.#maxBytes / PAGE_BYTES) * PAGE_BYTES;
    const wanted = Math.min(Math.max(end, size + GROWTH_BYTES), limit);
    const inUse = `cannot allocate ${mebibytes(asked)}: ${mebibytes(this.bytesAllocated)} of at most ${mebibytes(limit)} are in use`;
    if (end > limit) throw new KernelError(`${inUse}; use a smaller model or a smaller cache`);
    try {
      this.memory.grow(Math.ceil((wanted - size) / PAGE_BYTES));
    } catch (cause) {
      throw new KernelError(
        `${inUse}, and the system gives no more; check the limit of "ulimit -v" and the free memory`,
        { cause },
      );
    }
    this.#takeBuffer();
  }

  #takeBuffer(): void {
    this.#buffer = this.memory.buffer;
    this.#buffers.add(this.#buffer);
  }
}
