import { inspect } from 'node:util';
import { Command, CommanderError } from 'commander';
import { Interrupted, PlumblineError, UsageError } from '../errors.ts';
import { rankTag } from '../parallel/mpi/mpirun.ts';
import { readPackageJson } from '../terminal/package-json.ts';
import { addGenerate } from './generate.ts';
import { addInfo } from './info.ts';
import type { Io } from './io.ts';
import { addLogits } from './logits.ts';
import { addTokenize } from './tokenize.ts';

/**
 * Runs the command line.
 *
 * @param argv the arguments after the program's name.
 * @returns the exit code: 0 done, 1 an error of the run, 2 wrong usage, 130 and 143 ended by a signal.
 */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const program = createProgram(io);
  try {
    await program.parseAsync(argv, { from: 'user' });
    return 0;
  } catch (error) {
    // What is wrong with the usage, or the help, has been printed; a signal is no news.
    const isNews = !(error instanceof CommanderError || error instanceof Interrupted);
    if (isNews) io.stderr.write(`${rankTag()}plumbline: ${describe(error, program.opts().debug)}\n`);
    const exitCode = exitCodeOf(error);
    if (exitCode > 0) await io.failJob(String(error));
    return exitCode;
  }
}

function exitCodeOf(error: unknown): number {
  if (error instanceof Interrupted) return error.exitCode;
  // Commander ends --help and --version so as well.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  return error instanceof UsageError ? 2 : 1;
}

function createProgram(io: Io): Command {
  const program = new Command('plumbline')
    .description('Runs Qwen3 and Qwen3-MoE models, the same bits every time.')
    .version(readPackageJson().version)
    .option('--debug', 'print stack traces of errors', false)
    .exitOverride()
    .showHelpAfterError('(--help shows all options)')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      outputError: (text, write) => write(text.replace(/^error: /, `${rankTag()}plumbline: `)),
    })
    .addHelpText(
      'after',
      `
Hub ids are looked for in HuggingFace's cache and fetched into it if they are
not there; the environment variables of HuggingFace's own tools count: HF_HOME,
HF_HUB_CACHE, HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE.

Exit codes: 0 done, 1 an error of the run, 2 wrong usage, 130 interrupted.

Examples:
  plumbline info --model Qwen/Qwen3-0.6B
  plumbline generate --model Qwen/Qwen3-0.6B --prompt "Hello" --max-tokens 16
  plumbline generate --help`,
    );
  // After the settings above, which commands inherit as they are added.
  addGenerate(program, io);
  addLogits(program, io);
  addTokenize(program, io);
  addInfo(program, io);
  return program;
}

/** An error of ours says what to do about it; one that is not ours is a bug, and its class may help to find it. */
function describe(error: unknown, debug: boolean): string {
  if (debug) return inspect(error);
  if (error instanceof PlumblineError) return error.message;
  return `unexpected ${error}; --debug shows where`;
}
