import type { Command } from 'commander';
import { rankTag } from '../parallel/mpi/mpirun.ts';
import { runCommand } from '../terminal/command.ts';
import { addGenerate } from './generate.ts';
import { addInfo } from './info.ts';
import type { Io } from './io.ts';
import { addLogits } from './logits.ts';
import { addServe } from './serve.ts';
import { addTokenize } from './tokenize.ts';

/**
 * Runs the command line.
 *
 * @param argv the arguments after the program's name.
 * @returns the exit code: 0 done, 1 an error of the run, 2 wrong usage, 130 and 143 ended by a signal.
 */
export function run(argv: readonly string[], io: Io): Promise<number> {
  const { stdout, stderr } = io;
  return runCommand({
    name: 'plumbline',
    define: (program) => define(program, io),
    argv,
    stdout,
    stderr,
    errorPrefix: rankTag(),
    onFailure: (error) => io.failJob(String(error)),
  });
}

function define(program: Command, io: Io): void {
  program
    .description('Run Qwen3 and Qwen3-MoE models, with the same bits every time.')
    .showHelpAfterError('(--help shows all options)')
    .configureHelp({ showGlobalOptions: true })
    .addHelpText(
      'after',
      `
A hub id is looked for in HuggingFace's cache, and fetched into it if it is not
there. The environment variables of HuggingFace's own tools apply: HF_HOME,
HF_HUB_CACHE, HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE.

Exit codes: 0 done, 1 an error of the run, 2 wrong usage,
130 or 143 interrupted.

Examples:
  plumbline info --model Qwen/Qwen3-0.6B
  plumbline generate --model Qwen/Qwen3-0.6B --prompt "Hello" --max-tokens 16
  plumbline generate --help`,
    );
  addGenerate(program, io);
  addServe(program, io);
  addLogits(program, io);
  addTokenize(program, io);
  addInfo(program, io);
}
