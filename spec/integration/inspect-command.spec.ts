import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { ensureFixture } from '../../generator/fixtures/fixtures.ts';
import { temporaryFolder, trackResources } from '../support/processes/cleanup.ts';
import { ended, startNode } from '../support/processes/processes.ts';

trackResources(test);

const inspect = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  ended(startNode('verify/cli.ts', ['inspect', ...args], { env: { SUBJECT: '', ...env } }));

test('a prompt that the engine computes in several chunks is compared as a whole', async (t) => {
  const { exitCode, out, err } = await inspect(['--model', 'dense', '--case', 'ids-thousand']);
  t.is(exitCode, 0, err);
  t.regex(out, /^layers\.2\.k_rope /m);
  t.regex(out, /The engine agrees with the golden at every stage\.\n$/);
});

test('a directory is inspected with the goldens that are named', async (t) => {
  const model = await ensureFixture('dense');
  const { exitCode, out, err } = await inspect(['--model', model, '--golden', 'dense', '--case', 'ids-one']);
  t.deepEqual([exitCode, err], [0, '']);
  t.regex(out, /agrees with the golden at every stage/);
});

test('the engine that SUBJECT names is inspected, and exit code 1 says that it is wrong', async (t) => {
  const adapter = join(temporaryFolder(t), 'adapter.ts');
  const file = (path: string) => pathToFileURL(join(import.meta.dirname, '../..', path)).href;
  writeFileSync(
    adapter,
    `import { engineSubject } from '${file('verify/adapters/engine.ts')}';
     import { Engine } from '${file('engine/index.ts')}';
     export default {
       info: { name: 'off' },
       load: async (modelDir) => {
         const model = await engineSubject('ours', Engine).load(modelDir);
         const forward = async (request) => {
           const { rows } = await model.forward(request);
           return { rows: rows.map(({ values }) => ({ values: values.map((value) => value * 1.01) })) };
         };
         return { ...model, forward };
       },
     };`,
  );
  const { exitCode, out, err } = await inspect(['--model', 'dense', '--case', 'ids-short'], {
    SUBJECT: adapter,
  });
  t.deepEqual([exitCode, err], [1, '']);
  t.regex(out, /The subject differs first at logits, position 0\.\nThere the subject is farther/);
});

test('a case without a golden is an error in one line', async (t) => {
  const { exitCode, out, err } = await inspect(['--model', 'dense', '--case', 'no-such-case']);
  t.deepEqual([exitCode, out], [1, '']);
  t.regex(err, /^plumbline-verify: .*no-such-case\.json.*\n$/);
});
