#!/usr/bin/env node
import { keepCompiledCode } from '../engine/checkpoint/cache-folder.ts';
import type { PromptCases } from './export/cases.ts';

keepCompiledCode();
// Dynamic, because modules imported before the cache is enabled are not cached.
const { importModules } = await import('../engine/terminal/import-modules.ts');
const load = <T>(modules: () => Promise<T>) => importModules('plumbline-goldens', 1, modules);
const { SignalReceiver } = await load(() => import('../engine/terminal/interrupt.ts'));
const signals = new SignalReceiver();
const [{ run }, { exitOnOutputError }] = await load(() =>
  Promise.all([import('./program.ts'), import('../engine/terminal/output.ts')]),
);

const promptCases: PromptCases = async (...args) => {
  const judge = await import('../verify/cases/prompt-cases.ts');
  return await judge.promptCases(...args);
};

exitOnOutputError('plumbline-goldens');
const { stdout, stderr, env } = process;
const exit = (exitCode: number) => process.exit(exitCode);
process.exitCode = await run(process.argv.slice(2), {
  stdout,
  stderr,
  signals,
  env,
  exit,
  promptCases,
});
