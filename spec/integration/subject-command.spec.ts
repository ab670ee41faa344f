import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { temporaryFolder } from '../support/processes/cleanup.ts';
import { ended, startNode } from '../support/processes/processes.ts';

const AVA = 'node_modules/ava/entrypoints/cli.js';

test('SUBJECT holds another engine to the goldens, and an honest one passes', async (t) => {
  const env = { SUBJECT: './spec/support/subjects/transformers-js.ts' };
  const { exitCode, out } = await ended(startNode(AVA, ['spec/golden/subject/dense.spec.ts'], { env }));
  t.is(exitCode, 0, out);
  t.regex(out, /ids-thousand: hidden states, logits and greedy tokens match/);
});

test('a wrong value is reported with its place, who is wrong, and a command that shows more', async (t) => {
  const adapter = join(temporaryFolder(t), 'adapter.ts');
  const ours = pathToFileURL(join(import.meta.dirname, '../../verify/adapters/engine.ts')).href;
  const engine = pathToFileURL(join(import.meta.dirname, '../../engine/engine.ts')).href;
  writeFileSync(
    adapter,
    `import { engineSubject } from '${ours}';
     import { Engine } from '${engine}';
     export default engineSubject('off', {
       load: async (modelDir) => {
         const engine = await Engine.load(modelDir);
         return {
           forward: (ids, options) => {
             const result = engine.forward(ids, options);
             // Layer 2, position 3, dimension 5 of [layers + 2, T, 64].
             if (ids.length > 3) result.hidden[(2 * ids.length + 3) * 64 + 5] += 0.01;
             return result;
           },
           options: engine.options,
           generate: (requests) => engine.generate(requests),
           close: () => engine.close(),
         };
       },
     });`,
  );
  const args = ['spec/golden/subject/dense.spec.ts', '--match=*ids-short*'];
  const { exitCode, out } = await ended(startNode(AVA, args, { env: { SUBJECT: adapter } }));
  t.is(exitCode, 1, out);
  t.regex(out, /dense · ids-short: differs from the golden first at hidden_states\.2, position 3, index 5/);
  t.regex(out, /the subject is wrong/);
  t.regex(out, /npm run inspect -- --model dense --case ids-short/);
  t.true(
    out.includes(`npx plumbline-verify --model dense --module ${adapter} --precision f32 --html report.html`),
    out,
  );
});

test('with SUBJECT set, no spec runs that does not ask the subject; a slow import is waited for', async (t) => {
  const adapter = join(temporaryFolder(t), 'adapter.ts');
  writeFileSync(
    adapter,
    `await new Promise((resolve) => setTimeout(resolve, 3000));
     const refuse = async () => { throw new Error('nothing is answered here'); };
     const capabilities = { scores: 'none', hidden: false, tokenize: false, chat: false, maxConcurrency: 1 };
     const model = { capabilities, forward: refuse, generate: refuse, close: async () => {} };
     export default { info: { name: 'mute' }, load: async () => model };`,
  );
  const args = ['spec/golden/**', 'spec/unit/**', '--match=*ids-one:*', '--match=*are*'];
  const { exitCode, out } = await ended(startNode(AVA, args, { env: { SUBJECT: adapter } }));
  t.is(exitCode, 1, out);
  t.regex(out, /dense · ids-one: /);
  t.regex(
    out,
    /dense · ids-one: .*nothing is answered here\n[\s\S]*npx plumbline-verify --model dense --module /,
  );
  const passed = out.split('\n').filter((line) => line.includes('✔'));
  t.deepEqual(passed, [], 'nothing is right about an engine that answers nothing');
});

test('a SUBJECT that cannot be imported fails with its path and the reason', async (t) => {
  const args = ['spec/golden/subject/dense.spec.ts', '--match=*ids-one:*'];
  const { exitCode, out } = await ended(startNode(AVA, args, { env: { SUBJECT: '/no/such/adapter.ts' } }));
  t.is(exitCode, 1, out);
  t.regex(out, /cannot import \/no\/such\/adapter\.ts: Cannot find module/);
});
