#!/usr/bin/env node
import { resolveModel } from '../engine/hub/resolve-model.ts';
import { runCommand } from '../engine/terminal/command.ts';
import { exitOnOutputError } from '../engine/terminal/output.ts';
import { ensureFixture, FIXTURES } from '../generator/fixtures/fixtures.ts';
import { loadSubject } from './adapters/module.ts';
import { inspect } from './inspect.ts';

/** A fixture's checkpoint by its name, a directory, or a model of the hub. */
async function modelDirOf(model: string): Promise<string> {
  if (Object.hasOwn(FIXTURES, model)) return await ensureFixture(model);
  return await resolveModel(model, { files: ['config.json'], weights: true });
}

interface InspectFlags {
  readonly model: string;
  readonly golden?: string;
  readonly case: string;
}

exitOnOutputError('plumbline-verify');
process.exitCode = await runCommand({
  name: 'plumbline-verify',
  define: (program, setExitCode) => {
    program.description('Holds an engine to goldens.');
    program
      .command('inspect')
      .description(
        'Compares an engine with a golden case stage by stage. The engine is the module that SUBJECT names, else our own. ' +
          'Exit code 1: they differ.',
      )
      .requiredOption('--model <name>', 'a fixture, a directory, or a hub id')
      .option('--golden <name>', "the folder of the model's goldens; by default the model's name")
      .requiredOption('--case <id>', 'a case of the goldens')
      .action(async ({ model, golden = model, case: id }: InspectFlags) => {
        const subject = process.env.SUBJECT ? await loadSubject() : undefined;
        const modelDir = await modelDirOf(model);
        const { text, agrees } = await inspect({ golden, id, modelDir, subject });
        process.stdout.write(text);
        if (!agrees) setExitCode(1);
      });
  },
  argv: process.argv.slice(2),
  stdout: process.stdout,
  stderr: process.stderr,
});
