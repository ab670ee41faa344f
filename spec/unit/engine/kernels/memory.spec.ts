import test from 'ava';
import { KernelError } from '../../../../engine/errors.ts';
import { KernelMemory } from '../../../../engine/kernels/memory.ts';
import { WebAssembly } from '../../../../engine/kernels/web-assembly.ts';

const MIB = 2 ** 20;

test('every allocation is aligned to 64 bytes, and none is at address 0', (t) => {
  const memory = new KernelMemory();
  const addresses = [1, 64, 65, 0, 4].map((bytes) => memory.allocate(bytes));
  t.deepEqual(addresses, [64, 128, 192, 320, 320]);
  t.is(memory.bytesAllocated, 64 + 64 + 128 + 64);
});

test('memory is zeroed, also after it grew', (t) => {
  const memory = new KernelMemory();
  const address = memory.allocate(2 * MIB);
  t.true(new Uint8Array(memory.buffer, address, 2 * MIB).every((byte) => byte === 0));
});

test('memory grows by 16 MiB, or by what is asked if that is more, but never beyond its limit', (t) => {
  const sizeAfter = (memory: KernelMemory, bytes: number) => {
    memory.allocate(bytes);
    return memory.buffer.byteLength;
  };
  const memory = new KernelMemory();
  t.is(sizeAfter(memory, 2 ** 16 - 64), 2 ** 16, 'the first page is there');
  t.is(sizeAfter(memory, 1), 2 ** 16 + 16 * MIB);
  t.is(sizeAfter(memory, 16 * MIB - 64), 2 ** 16 + 16 * MIB);
  t.is(sizeAfter(memory, 40 * MIB), 2 ** 16 + 56 * MIB);
  t.is(sizeAfter(new KernelMemory(3 * MIB + 1), MIB), 3 * MIB);
});

test('views made before the memory grew stay valid and share its bytes', (t) => {
  const memory = new KernelMemory();
  const address = memory.allocate(16);
  const before = new Float32Array(memory.buffer, address, 4).fill(7);
  const buffer = memory.buffer;
  memory.allocate(100 * MIB);
  t.not(memory.buffer, buffer);
  const after = new Float32Array(memory.buffer, address, 4);
  t.deepEqual([...after], [7, 7, 7, 7]);
  before[1] = 8;
  t.is(after[1], 8);
  t.is(memory.address('before', before), address);
});

test('a view is known whenever the memory of other kernels grew', (t) => {
  const memory = new KernelMemory();
  const address = memory.allocate(16);
  new KernelMemory().allocate(MIB);
  const view = new Float32Array(memory.buffer, address, 4);
  new KernelMemory().allocate(MIB);
  t.is(memory.address('view', view), address);
});

test('a view of other memory is refused by name', (t) => {
  const memory = new KernelMemory();
  const other = new KernelMemory();
  const message =
    'x is not in the memory of these kernels; get it from their allocate(), allocateInt32() or pack()';
  const expectation = { instanceOf: KernelError, message };
  t.throws(() => memory.address('x', new Float32Array(4)), expectation);
  t.throws(() => memory.address('x', new Float32Array(other.buffer)), expectation);
});

test('an allocation beyond the limit is an error with the sizes, and leaves the rest usable', (t) => {
  const memory = new KernelMemory(2 * MIB);
  memory.allocate(MIB);
  t.throws(() => memory.allocate(1.5 * MIB), {
    instanceOf: KernelError,
    message:
      'cannot allocate 1.5 MiB: 1.0 MiB of at most 2.0 MiB are in use; use a smaller model or a smaller cache',
  });
  t.is(memory.bytesAllocated, MIB);
  t.notThrows(() => memory.allocate(MIB - 64));
});

test('a limit can be used to its last byte', (t) => {
  const memory = new KernelMemory(2 * MIB);
  t.throws(() => memory.allocate(2 * MIB - 63), { instanceOf: KernelError });
  t.notThrows(() => memory.allocate(2 * MIB - 64));
  t.throws(() => memory.allocate(1), { instanceOf: KernelError });
});

test('the last page of 4 GiB, where addresses would wrap around, is never allocated', (t) => {
  const memory = new KernelMemory();
  t.throws(() => memory.allocate(2 ** 32), {
    instanceOf: KernelError,
    message: /cannot allocate 4096\.0 MiB/,
  });
  t.throws(() => memory.allocate(2 ** 32 - 2 ** 16), { instanceOf: KernelError });
  t.notThrows(() => memory.allocate(2 ** 32 - 2 ** 17));
});

test('address space that the system refuses is an error with its size', (t) => {
  const { Memory } = WebAssembly;
  t.teardown(() => Object.assign(WebAssembly, { Memory }));
  const cause = new RangeError('refused');
  Object.assign(WebAssembly, {
    Memory: class {
      constructor() {
        throw cause;
      }
    },
  });
  const error = t.throws(() => new KernelMemory(2 * MIB), {
    instanceOf: KernelError,
    message: 'cannot reserve 2.0 MiB of address space for the kernels; check the limit of "ulimit -v"',
  });
  t.is(error.cause, cause);
});

test('limits that are not a size of a WebAssembly memory are refused', (t) => {
  for (const maxBytes of [0, -1, 1.5, NaN, 100, 2 ** 32 + 1]) {
    t.throws(() => new KernelMemory(maxBytes), {
      instanceOf: KernelError,
      message: `maxBytes is ${maxBytes}, expected a whole number of 65536 to 4294967296: WebAssembly addresses 4 GiB`,
    });
  }
});

test('memory that was disposed of cannot be used', (t) => {
  const memory = new KernelMemory();
  const view = new Float32Array(memory.buffer, memory.allocate(4), 1);
  memory.dispose();
  t.is(memory.bytesAllocated, 0);
  const uses = [() => memory.memory, () => memory.buffer, () => memory.allocate(4)];
  for (const use of [...uses, () => memory.address('x', view)]) {
    t.throws(use, {
      instanceOf: KernelError,
      message: 'cannot use kernels that were disposed of; create new ones',
    });
  }
});

test('memory that the system refuses, below the limit of the kernels, is said to be so', (t) => {
  const memory = new KernelMemory(4 * MIB);
  const cause = new RangeError('refused');
  memory.memory.grow = () => {
    throw cause;
  };
  const error = t.throws(() => memory.allocate(MIB), {
    instanceOf: KernelError,
    message:
      'cannot allocate 1.0 MiB: 0.0 MiB of at most 4.0 MiB are in use, and the system gives no more; ' +
      'check the limit of "ulimit -v" and the free memory',
  });
  t.is(error.cause, cause);
  t.is(memory.bytesAllocated, 0);
  t.throws(() => memory.allocate(5 * MIB), { message: /use a smaller model or a smaller cache$/ });
});
