import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import test from 'ava';
import { trackResources } from '../../../support/cleanup.ts';

trackResources(test);

const run = promisify(execFile);
const PROGRAM = new URL('./revectorized-matmul.ts', import.meta.url).pathname;

/** Runs matmuls of many shapes in a process of their own: the flag holds for a whole process. */
async function hashOf(...args: string[]): Promise<{ hash: string; trace: string }> {
  const { stdout } = await run(process.execPath, ['--trace-wasm-revectorize', PROGRAM, ...args], {
    maxBuffer: 2 ** 28,
  });
  const at = stdout.lastIndexOf('sha256:');
  return { hash: stdout.slice(at).trim(), trace: stdout.slice(0, at) };
}

test('vectors of 256 bits give the same bits as those of 128', async (t) => {
  const [narrow, wide] = await Promise.all([hashOf(), hashOf('revectorize')]);
  t.regex(narrow.hash, /^sha256:[0-9a-f]{64}$/);
  t.is(wide.hash, narrow.hash);
  // That they were fused at all, V8 tells where it can: on x64 with AVX2, from Node 24 on.
  t.notRegex(narrow.trace, /Begin revec function/);
  if (process.arch === 'x64' && Number.parseInt(process.versions.node, 10) >= 24)
    t.regex(wide.trace, /DecideVectorize \d+: Save: \d+/);
});
