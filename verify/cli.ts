#!/usr/bin/env node
import { resolveModel } from '../engine/hub/resolve-model.ts';
import { runCommand } from '../engine/terminal/command.ts';
import { exitOnOutputError } from '../engine/terminal/output.ts';
import { FIXTURES } from '../generator/fixtures/fixture-specs.ts';
import { ensureFixture } from '../generator/fixtures/fixtures.ts';
import { goldenModels, realGoldens } from '../golden/goldens.ts';
import type { CommandIo } from './command-io.ts';
import { defineInspect } from './inspect-command.ts';
import { defineJudge } from './judge-command.ts';
import { defineReports } from './report-commands.ts';
import { defineSmoke } from './smoke-command.ts';
import type { VerifyModel } from './verify.ts';

/** Exit codes above this one say which signal ended the command. */
const FIRST_SIGNAL = 128;

/** A fixture's checkpoint by its name, a directory, or a model of the hub; with its goldens if it has any. */
async function findModel(name: string, signal: AbortSignal): Promise<VerifyModel> {
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
const io: CommandIo = { stdout: process.stdout, stderr: process.stderr, signals: process, findModel };
const exitCode = await runCommand({
  name: 'plumbline-verify',
  define(program, setExitCode) {
    defineJudge(program, io, setExitCode);
    defineReports(program, process.stdout, setExitCode);
    defineSmoke(program, io, setExitCode);
    defineInspect(program, io, setExitCode);
  },
  argv: process.argv.slice(2),
  stdout: process.stdout,
  stderr: process.stderr,
});
// After Ctrl-C an engine in this process may go on computing: it is not waited for.
if (exitCode > FIRST_SIGNAL) process.stdout.write('', () => process.exit(exitCode));
else process.exitCode = exitCode;
