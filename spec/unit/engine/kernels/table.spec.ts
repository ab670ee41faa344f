import test from 'ava';
import * as abi from '../../../../engine/kernels/abi.ts';
import type { Kernels } from '../../../../engine/kernels/kernels.ts';
import { type KernelCall, ThreadPool } from '../../../../engine/kernels/pool.ts';
import { createScalarKernels } from '../../../../engine/kernels/scalar.ts';
import { KERNELS, type Kernel } from '../../../../engine/kernels/table.ts';
import { createWasmKernels } from '../../../../engine/kernels/wasm.ts';
import { SMALL_SAMPLE, sampleValues } from './sample-values.ts';

const wasm = await createWasmKernels();
test.after.always(() => wasm.dispose());

const rows: [name: string, kernel: Kernel][] = Object.entries(KERNELS);

test('the table has every kernel number of the ABI exactly once', (t) => {
  const numbers = Object.entries(abi).flatMap(([name, value]) => (name.startsWith('KERNEL_') ? [value] : []));
  t.true(numbers.length > 0);
  t.deepEqual(rows.map(([, { number }]) => number).sort(), numbers.sort());
});

test('the table uses every argument list of the ABI, and none is too long', (t) => {
  const lists = Object.values(abi).flatMap((value) =>
    typeof value === 'function' ? [Object.keys(new value())] : [],
  );
  const used = new Set(rows.map(([, { argumentNames }]) => argumentNames.join()));
  t.deepEqual([...used].sort(), lists.map((names) => names.join()).sort());
  for (const names of lists) t.true(names.length <= abi.MAX_ARGUMENTS, names.join());
});

/** Kernels that report which of their methods are called. */
function recorded(kernels: Kernels, called: Set<string | symbol>): Kernels {
  return new Proxy(kernels, {
    get(target, name) {
      called.add(name);
      return Reflect.get(target, name);
    },
  });
}

for (const [name, { number, argumentNames, method, sample }] of rows) {
  test.serial(`${name}: its sample calls ${method} and runs the kernel with all arguments`, (t) => {
    const { share } = ThreadPool.prototype;
    const calls: { number: number; names: string[] }[] = [];
    const methods = new Set<string | symbol>();
    ThreadPool.prototype.share = function <A extends object>(this: ThreadPool, call: KernelCall<A>) {
      calls.push({ number: call.kernel.number, names: Object.keys(call.args) });
      share.call(this, call);
    };
    try {
      sample(recorded(wasm, methods), SMALL_SAMPLE, sampleValues(1)).run();
    } finally {
      ThreadPool.prototype.share = share;
    }
    t.true(methods.has(method), `it calls ${[...methods].map(String)}`);
    const call = calls.find((each) => each.number === number);
    t.truthy(call, `it runs the kernels ${calls.map((each) => each.number)}, expected ${number}`);
    t.deepEqual(call!.names.sort(), [...argumentNames].sort());
  });

  test(`${name}: its sample has the same bits from WebAssembly and from scalar.ts`, (t) => {
    const [actual, expected] = [wasm, createScalarKernels()].map((kernels) => {
      const { run, written } = sample(kernels, SMALL_SAMPLE, sampleValues(1));
      run();
      return written.map((array) => array.slice());
    });
    t.deepEqual(actual, expected);
  });
}
