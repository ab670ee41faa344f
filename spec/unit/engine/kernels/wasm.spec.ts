import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test from 'ava';
import { KernelError } from '../../../../engine/errors.ts';
import { createWasmKernels } from '../../../../engine/kernels/wasm.ts';

test('arrays are zeroed, aligned to 64 bytes and counted', async (t) => {
  const wasm = await createWasmKernels();
  t.teardown(() => wasm.dispose());
  const before = wasm.bytesAllocated;
  const floats = wasm.allocate(3);
  const integers = wasm.allocateInt32(20);
  t.deepEqual([...floats], [0, 0, 0]);
  t.is(integers.length, 20);
  t.is(floats.byteOffset % 64, 0);
  t.is(integers.byteOffset % 64, 0);
  t.is(wasm.bytesAllocated - before, 64 + 128);
});

test('kernels work on arrays and matrices from before the memory grew', async (t) => {
  const wasm = await createWasmKernels();
  t.teardown(() => wasm.dispose());
  const x = wasm.allocate(2).fill(3);
  const weights = Uint8Array.from(new Uint8Array(Float32Array.of(1, 10).buffer));
  const matrix = wasm.pack({ outputs: 1, inputs: 2, dtype: 'F32' }, () => weights);
  const y = wasm.allocate(2 ** 23);
  wasm.matmul(x, 1, matrix, y);
  t.is(y[0], 33);
});

test('an array of other memory is an error with the names of the kernel and the array', async (t) => {
  const wasm = await createWasmKernels();
  t.teardown(() => wasm.dispose());
  t.throws(() => wasm.add(wasm.allocate(4), new Float32Array(4), 4), {
    instanceOf: KernelError,
    message:
      'add: y is not in the memory of these kernels; get it from their allocate(), allocateInt32() or pack()',
  });
});

test('a matrix packed by other kernels is refused', async (t) => {
  const [wasm, other] = [await createWasmKernels(), await createWasmKernels()];
  t.teardown(() => wasm.dispose());
  t.teardown(() => other.dispose());
  const matrix = other.pack({ outputs: 1, inputs: 1, dtype: 'F32' }, () => new Uint8Array(4));
  t.throws(() => wasm.matmul(wasm.allocate(1), 1, matrix, wasm.allocate(1)), {
    instanceOf: KernelError,
    message:
      'matmul: matrix is not in the memory of these kernels; get it from their allocate(), allocateInt32() or pack()',
  });
});

test('a matrix that does not fit into maxBytes is refused before it is read', async (t) => {
  const wasm = await createWasmKernels({ maxBytes: 2 ** 21 });
  t.teardown(() => wasm.dispose());
  const readRows = () => t.fail('it was read') as never;
  t.throws(() => wasm.pack({ outputs: 1000, inputs: 1000, dtype: 'F32' }, readRows), {
    instanceOf: KernelError,
    message: /^cannot allocate 3\.8 MiB: .* of at most 2\.0 MiB are in use/,
  });
});

test('packing allocates the bytes of the panels and of scratch memory for a block of rows', async (t) => {
  const wasm = await createWasmKernels();
  t.teardown(() => wasm.dispose());
  const shape = { outputs: 4096, inputs: 1024, dtype: 'BF16' } as const;
  const before = wasm.bytesAllocated;
  wasm.pack(shape, (_, rows) => new Uint8Array(rows * 2048));
  const extra = wasm.bytesAllocated - before - 4096 * 2048;
  // 256 rows of inputs, one thread's widened leaf of an eighth of them, and the sums of 43 strips of 6 rows.
  t.is(extra, 256 * 1024 * 4 + 128 * 16 * 4 + 43 * 6 * 8 * 16 * 4);
});

test('disposed kernels refuse every use and count no bytes as allocated', async (t) => {
  const wasm = await createWasmKernels();
  const x = wasm.allocate(4);
  wasm.dispose();
  t.is(wasm.bytesAllocated, 0);
  t.throws(() => wasm.add(x, x, 4), { instanceOf: KernelError, message: /disposed of.*create new ones/ });
  t.throws(() => wasm.allocate(4), { instanceOf: KernelError, message: /disposed of/ });
});

test.serial(
  'after dispose the memory is freed even while the kernels themselves are still referred to',
  async (t) => {
    setFlagsFromString('--expose-gc');
    const collectGarbage: () => void = runInNewContext('gc');
    const wasm = await createWasmKernels();
    // Only the buffer can be observed: it lives as long as the instance or the memory does.
    const buffer = new WeakRef(wasm.allocate(4).buffer);
    const isFreed = async () => {
      // A WeakRef holds on until the current task is over.
      await setImmediate();
      collectGarbage();
      return buffer.deref() === undefined;
    };
    t.false(await isFreed());
    wasm.dispose();
    t.true(await isFreed());
    t.is(wasm.bytesAllocated, 0);
  },
);
