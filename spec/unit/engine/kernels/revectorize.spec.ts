import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import test from 'ava';
import { compile, readKernels } from '../../../../engine/kernels/instance.ts';
import { WIDE_LOOPS } from '../../../../engine/kernels/loops.ts';
import { KernelMemory } from '../../../../engine/kernels/memory.ts';
import { canRevectorize, checkWide } from '../../../../engine/kernels/revectorize.ts';
import { KERNELS_URL } from '../../../../engine/kernels/sources.ts';
import { trackResources } from '../../../support/processes/cleanup.ts';
import { bodyOf } from '../../../support/wasm/reader.ts';

trackResources(test);

const run = promisify(execFile);
const CHECK = new URL('./checked-loops.ts', import.meta.url).pathname;
const PROGRAM = new URL('./revectorized-matmul.ts', import.meta.url).pathname;

interface Outcome {
  sha256: string;
  /** Whether the upper halves of the vectors were left in use; undefined where that cannot be asked. */
  left?: boolean;
  /** V8's report of what it fused. */
  trace: string;
}

/** Runs matmuls of many shapes in a process of their own: the flag holds for a whole process. */
async function outcomeOf(...args: string[]): Promise<Outcome> {
  const { stdout } = await run(process.execPath, ['--trace-wasm-revectorize', PROGRAM, ...args], {
    maxBuffer: 2 ** 28,
  });
  const at = stdout.lastIndexOf('{"sha256"');
  return { ...JSON.parse(stdout.slice(at)), trace: stdout.slice(0, at) };
}

test('vectors of 256 bits give the same bits as those of 128, and leave no upper half in use', async (t) => {
  const [narrow, wide] = await Promise.all([outcomeOf(), outcomeOf('revectorize')]);
  t.regex(narrow.sha256, /^[0-9a-f]{64}$/);
  t.is(wide.sha256, narrow.sha256);
  // V8 fuses vectors on x64 with AVX2, in Node 24 and 26.
  t.notRegex(narrow.trace, /Begin revec function/);
  if (canRevectorize()) t.regex(wide.trace, /DecideVectorize \d+: Save: \d+/);
  if (wide.left === undefined)
    t.log('whether upper halves are left in use can be asked on Linux and x64 alone');
  t.not(wide.left, true, 'JavaScript would run slowly');
});

/** Bytes of instructions of WebAssembly, each with one of another result. */
const RELAXED_MADD = [Buffer.of(0xfd, 0x85, 0x02), Buffer.of(0xfd, 0x86, 0x02)] as const;
const F32X4_ADD = [Buffer.of(0xfd, 0xe4, 0x01), Buffer.of(0xfd, 0xe5, 0x01)] as const;

/** The kernels with one instruction of an exported function exchanged. */
function withFault(bytes: Uint8Array, name: string): Uint8Array {
  const { begin, end } = bodyOf(bytes, name);
  const faulty = Buffer.from(bytes);
  for (const [right, wrong] of [RELAXED_MADD, F32X4_ADD]) {
    const at = faulty.indexOf(right, begin);
    if (at < 0 || at >= end) continue;
    wrong.copy(faulty, at);
    return faulty;
  }
  throw new Error(`${name} has no instruction to exchange`);
}

test('each loop that computes one other bit with 256-bit vectors keeps the kernels at 128 bits', async (t) => {
  t.is(canRevectorize(), process.arch === 'x64' && /^2[46]\./.test(process.versions.node));
  if (!canRevectorize()) return;
  const bytes = await readKernels(KERNELS_URL);
  const narrow = compile(bytes, KERNELS_URL);
  const check = { narrow, bytes, wasmUrl: KERNELS_URL, memory: new KernelMemory(2 ** 16).memory };
  t.truthy(checkWide(check));
  for (const name of WIDE_LOOPS)
    t.is(checkWide({ ...check, bytes: withFault(bytes, name) }), undefined, name);
});

test('the check compares loops that V8 has fused: it compiles each of them before the check ends', async (t) => {
  if (!canRevectorize()) return t.pass();
  const { stdout } = await run(process.execPath, ['--trace-wasm-revectorize', CHECK], { maxBuffer: 2 ** 28 });
  const [before, after] = stdout.split('\nchecked: ');
  t.true(after.startsWith('the same bits'), after);
  const compiled = before.match(/Begin revec function/g)?.length ?? 0;
  t.true(compiled >= WIDE_LOOPS.length, `${compiled} functions compiled; ${WIDE_LOOPS.length} loops`);
});
