import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import test from 'ava';
import { trackResources } from '../../../support/processes/cleanup.ts';

trackResources(test);

const run = promisify(execFile);
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
  // V8 fuses vectors on x64 with AVX2, from Node 24 on.
  t.notRegex(narrow.trace, /Begin revec function/);
  if (process.arch === 'x64' && Number.parseInt(process.versions.node, 10) >= 24)
    t.regex(wide.trace, /DecideVectorize \d+: Save: \d+/);
  if (wide.left === undefined)
    t.log('whether upper halves are left in use can be asked on Linux and x64 alone');
  t.not(wide.left, true, 'JavaScript would run slowly');
});
