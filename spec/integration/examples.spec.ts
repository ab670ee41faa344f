import { join } from 'node:path';
import test from 'ava';
import { ensureFixture } from '../../generator/fixtures/fixtures.ts';
import { ended, startNode } from '../support/processes/processes.ts';

const run = (argv: string[]) =>
  ended(startNode('--conditions=plumbline-source', [join('examples', 'generate.ts'), ...argv]));

test('the example of generating prints tokens as they come, and a fingerprint for each sample', async (t) => {
  const { exitCode, out, err } = await run([await ensureFixture('dense')]);
  t.is(exitCode, 0, err);
  const lines = out.trim().split('\n');
  t.is(lines.filter((line) => /^request 0, sample 0: token \d+$/.test(line)).length, 8);
  t.is(lines.filter((line) => /^request 1, sample [012]: token \d+$/.test(line)).length, 12);
  t.is(lines.filter((line) => /^request [01], sample [012]: [0-9a-f]{64}$/.test(line)).length, 4);
});

test('the example without a model says what it expects', async (t) => {
  const { exitCode, err } = await run([]);
  t.is(exitCode, 1);
  t.regex(err, /expected a model directory as the first argument/);
});
