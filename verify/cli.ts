#!/usr/bin/env node
import { resolveModel } from '../engine/hub/resolve-model.ts';
import { runCommand } from '../engine/terminal/command.ts';
import { exitOnOutputError } from '../engine/terminal/output.ts';
import { FIXTURES } from '../generator/fixtures/fixture-specs.ts';
import { ensureFixture } from '../generator/fixtures/fixtures.ts';
import { goldenModels, realGoldens } from '../golden/goldens.ts';
import { loadSubject } from './adapters/module.ts';
import { inspect } from './inspect.ts';
import { defineJudge } from './judge-command.ts';
import { defineReports } from './report-commands.ts';
import type { VerifyModel } from './verify.ts';

/** A fixture's checkpoint by its name, a directory, or a model of the hub; with its goldens if it has any. */
async function findModel(name: string): Promise<VerifyModel> {
  if (Object.hasOwn(FIXTURES, name)) {
    const golden = goldenModels().includes(name) ? { golden: { name } } : {};
    return { name, source: 'fixture', modelDir: await ensureFixture(name), ...golden };
  }
  const optional = [
    'tokenizer.json',
    'tokenizer_config.json',
    'chat_template.jinja',
    'generation_config.json',
  ];
  const modelDir = await resolveModel(name, { files: ['config.json'], optional, weights: true });
  if (modelDir === name) return { name, source: 'directory', modelDir };
  const folder = name.replaceAll('/', '--');
  return {
    name,
    source: 'hub',
    modelDir,
    ...(realGoldens().includes(folder) ? { golden: { name: folder } } : {}),
  };
}

interface InspectFlags {
  readonly model: string;
  readonly golden?: string;
  readonly case: string;
}

exitOnOutputError('plumbline-verify');
process.exitCode = await runCommand({
  name: 'plumbline-verify',
  define(program, setExitCode) {
    defineJudge(
      program,
      { stdout: process.stdout, stderr: process.stderr, signals: process, findModel },
      setExitCode,
    );
    defineReports(program, process.stdout, setExitCode);
    program
      .command('inspect')
      .description(
        'Compare an engine with a golden case stage by stage. The engine is the module that SUBJECT names, else our own. ' +
          'Exit code 1: they differ.',
      )
      .requiredOption('--model <name>', 'a fixture, a directory, or a hub id')
      .option('--golden <name>', "the folder of the model's goldens; by default the model's name")
      .requiredOption('--case <id>', 'a case of the goldens')
      .action(async ({ model, golden = model, case: id }: InspectFlags) => {
        const subject = process.env.SUBJECT ? await loadSubject() : undefined;
        const { modelDir } = await findModel(model);
        const { text, agrees } = await inspect({ golden, id, modelDir, subject });
        process.stdout.write(text);
        if (!agrees) setExitCode(1);
      });
  },
  argv: process.argv.slice(2),
  stdout: process.stdout,
  stderr: process.stderr,
});
