import test from 'ava';
import { KernelError } from '../../../../engine/errors.ts';
import { KernelMemory } from '../../../../engine/kernels/memory.ts';

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
  const expectation = { instanceOf: KernelError, message: /^x is not in the memory .* allocate\(\)/ };
  t.throws(() => memory.address('x', new Float32Array(4)), expectation);
  t.throws(() => memory.address('x', new Float32Array(other.buffer)), expectation);
});

test('an allocation beyond the limit is an error with the sizes, and leaves the rest usable', (t) => {
  const memory = new KernelMemory(2 * MIB);
  memory.allocate(MIB);
  t.throws(() => memory.allocate(1.5 * MIB), {
    instanceOf: KernelError,
    message: /^cannot allocate 1\.5 MiB: 1\.0 MiB of at most 2\.0 MiB are in use; use a smaller model/,
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

test('limits that are not a size of a WebAssembly memory are refused', (t) => {
  for (const maxBytes of [0, -1, 1.5, NaN, 100, 2 ** 32 + 1]) {
    t.throws(() => new KernelMemory(maxBytes), { instanceOf: KernelError, message: /^maxBytes is / });
  }
});

test('memory that was disposed of cannot be used', (t) => {
  const memory = new KernelMemory();
  const view = new Float32Array(memory.buffer, memory.allocate(4), 1);
  memory.dispose();
  t.is(memory.bytesAllocated, 0);
  for (const use of [() => memory.memory, () => memory.allocate(4), () => memory.address('x', view)]) {
    t.throws(use, { instanceOf: KernelError, message: /disposed of/ });
  }
});

test('memory that the system refuses, below the limit of the kernels, is said to be so', (t) => {
  const memory = new KernelMemory(4 * MIB);
  memory.memory.grow = () => {
    throw new RangeError('refused');
  };
  t.throws(() => memory.allocate(MIB), {
    instanceOf: KernelError,
    message:
      'cannot allocate 1.0 MiB: 0.0 MiB of at most 4.0 MiB are in use, and the system gives no more; ' +
      'check the limit of "ulimit -v" and the free memory',
  });
  t.throws(() => memory.allocate(5 * MIB), { message: /use a smaller model or a smaller cache$/ });
});
