import { EventEmitter } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { Command } from 'commander';
import { ensureFixture } from '../../../generator/fixtures/fixtures.ts';
import { SubjectError } from '../../../verify/errors.ts';
import { defineInspect } from '../../../verify/inspect-command.ts';
import { temporaryFolder, trackResources } from '../../support/processes/cleanup.ts';

trackResources(test);

async function run(argv: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const program = new Command().exitOverride();
  const texts: string[] = [];
  let exitCode = 0;
  const io = {
    stdout: { write: (text: string) => texts.push(text) },
    stderr: { write: () => {} },
    signals: new EventEmitter(),
    findModel: async (name: string) => {
      const modelDir = name === 'dense' ? await ensureFixture(name) : name;
      return { name, source: 'fixture' as const, modelDir };
    },
  };
  const setExitCode = (code: number) => {
    exitCode = code;
  };
  defineInspect(program, io, setExitCode, env);
  await program.parseAsync(['inspect', '--case', 'ids-short', ...argv], { from: 'user' });
  return { exitCode, out: texts.join('') };
}

/** Our engine as a module, whose scores are off or right. */
function moduleOf(t: ExecutionContext, factor: number): string {
  const path = join(temporaryFolder(t), 'adapter.ts');
  const file = (name: string) => pathToFileURL(join(import.meta.dirname, '../../..', name)).href;
  writeFileSync(
    path,
    `import { engineSubject } from '${file('verify/adapters/engine.ts')}';
     import { Engine } from '${file('engine/index.ts')}';
     export default {
       info: { name: 'another' },
       load: async (modelDir) => {
         const model = await engineSubject('ours', Engine).load(modelDir);
         const forward = async (request) => {
           const { rows } = await model.forward(request);
           return { rows: rows.map(({ values }) => ({ values: values.map((value) => value * ${factor}) })) };
         };
         return { ...model, forward };
       },
     };`,
  );
  return path;
}

test('without an engine, ours is inspected, in a directory with the goldens that are named', async (t) => {
  const { exitCode, out } = await run(['--model', await ensureFixture('dense'), '--golden', 'dense']);
  t.is(exitCode, 0);
  t.regex(out, /^stage +engine–golden /m);
  t.regex(out, /The engine agrees with the golden at every stage\.\n$/);
});

test('the engine that SUBJECT names is inspected, and exit code 1 says that it is wrong', async (t) => {
  const { exitCode, out } = await run(['--model', 'dense'], { SUBJECT: moduleOf(t, 1.01) });
  t.is(exitCode, 1);
  t.regex(out, /The subject differs first at logits, position 0\.\nThere the subject is farther/);
});

test('the flags of a judgement name the engine too, before SUBJECT', async (t) => {
  const { exitCode, out } = await run(['--model', 'dense', '--module', moduleOf(t, 1)], {
    SUBJECT: '/no/such/module.ts',
  });
  t.is(exitCode, 0);
  t.regex(out, /The subject agrees with the golden at every stage that it has \(1 of 24\)\.\n$/);
  await t.throwsAsync(run(['--model', 'dense', '--dump', '/no/such/folder']), { instanceOf: SubjectError });
});
