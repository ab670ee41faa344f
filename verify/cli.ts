#!/usr/bin/env node
import { keepCompiledCode } from '../engine/checkpoint/cache-folder.ts';
import type { VerifyModel } from './verify.ts';

keepCompiledCode();
// Dynamic, because modules imported before the cache is enabled are not cached.
const { importModules } = await import('../engine/terminal/import-modules.ts');
const load = <T>(modules: () => Promise<T>) => importModules('plumbline-verify', 3, modules);
const { SignalReceiver } = await load(() => import('../engine/terminal/interrupt.ts'));
const signals = new SignalReceiver();
const [{ run }, { exitOnOutputError }, { FIXTURES }, { goldenModels, realGoldens }] = await load(() =>
  Promise.all([
    import('./program.ts'),
    import('../engine/terminal/output.ts'),
    import('../generator/fixtures/fixture-specs.ts'),
    import('../golden/goldens.ts'),
  ]),
);

/** Exit codes above this one say which signal ended the command. */
const FIRST_SIGNAL = 128;

/** A fixture's checkpoint by its name, a directory, or a model of the hub; with its goldens if it has any. */
async function findModel(name: string, signal: AbortSignal): Promise<VerifyModel> {
  if (Object.hasOwn(FIXTURES, name)) {
    const { ensureFixture } = await import('../generator/fixtures/fixtures.ts');
    const golden = goldenModels().includes(name) ? { golden: { name } } : {};
    return { name, source: 'fixture', modelDir: await ensureFixture(name), ...golden };
  }
  const [{ resolveModel }, { TEMPLATE_FILES, TOKENIZER_FILES }] = await Promise.all([
    import('../engine/hub/resolve-model.ts'),
    import('../engine/text/tokenizer-files.ts'),
  ]);
  const optional = [...TOKENIZER_FILES, ...TEMPLATE_FILES, 'generation_config.json'];
  const modelDir = await resolveModel(name, { files: ['config.json'], optional, weights: true, signal });
  if (modelDir === name) return { name, source: 'directory', modelDir };
  const folder = name.replaceAll('/', '--');
  return {
    name,
    source: 'hub',
    modelDir,
    ...(realGoldens().includes(folder) ? { golden: { name: folder } } : {}),
  };
}

exitOnOutputError('plumbline-verify');
const { stdout, stderr } = process;
const exitCode = await run(process.argv.slice(2), { stdout, stderr, signals, findModel });
// After Ctrl-C an engine in this process may go on computing: it is not waited for.
if (exitCode > FIRST_SIGNAL) process.stdout.write('', () => process.exit(exitCode));
else process.exitCode = exitCode;
