import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { KernelMemory } from '../../../../engine/kernels/memory.ts';
import { canRevectorize } from '../../../../engine/kernels/revectorize.ts';
import { selectKernels } from '../../../../engine/kernels/select.ts';
import { KERNELS_URL } from '../../../../engine/kernels/sources.ts';
import { trackResources } from '../../../support/processes/cleanup.ts';

trackResources(test);

const PROGRAM = fileURLToPath(new URL('./kernel-hashes.ts', import.meta.url));
const run = promisify(execFile);

test('a machine without a fused multiply-add computes the same bits in all kernels, and says so in one line', async (t) => {
  const [fused, emulated] = await Promise.all([
    run(process.execPath, [PROGRAM]),
    run(process.execPath, ['--no-enable-fma3', PROGRAM]),
  ]);
  t.deepEqual(JSON.parse(emulated.stdout), JSON.parse(fused.stdout));
  t.is(fused.stderr, '');
  // V8 knows the flag on x64 alone.
  const warning =
    'plumbline: this processor has no fused multiply-add; it is computed in f64: the same bits, many times slower\n';
  if (process.arch === 'x64') t.is(emulated.stderr, warning);
});

test('vectors have 256 bits where V8 can make them, unless that is turned off', async (t) => {
  const isWide = async (revectorize: boolean) => {
    const { memory } = new KernelMemory(2 ** 16);
    const onWarning = (line: string) => t.fail(line);
    const { isWide } = await selectKernels(KERNELS_URL, { memory, revectorize, onWarning });
    t.true(new Uint8Array(memory.buffer).every((byte) => byte === 0));
    return isWide;
  };
  t.false(await isWide(false));
  t.is(await isWide(true), canRevectorize());
});
