import type { Command } from 'commander';
import { UsageError } from '../engine/errors.ts';
import { runCommand } from '../engine/terminal/command.ts';
import { onInterrupt } from '../engine/terminal/interrupt.ts';
import { createProgress, share } from '../engine/terminal/progress.ts';
import { GOLDEN_FOLDER } from '../golden/goldens.ts';
import type { GoldensIo } from './command-io.ts';
import { addExportCommand } from './export/command.ts';
import { FIXTURES, QUICK_FIXTURES } from './fixtures/fixture-specs.ts';
import { importWithPackages } from './optional-packages.ts';
import { progressLines } from './recording/progress.ts';
import { acceptPending, PendingGoldens } from './review/pending.ts';
import { formatSummaries, hasChanges } from './review/summary.ts';

/**
 * Runs the command line of goldens.
 *
 * @param argv the arguments after the program's name.
 * @returns the exit code: 0 done, 1 a difference (`--check`) or a failure, 2 wrong usage.
 */
export function run(argv: readonly string[], io: GoldensIo): Promise<number> {
  const { stdout, stderr } = io;
  return runCommand({
    name: 'plumbline-goldens',
    define: (program, setExitCode) => define(program, io, setExitCode),
    ...{ argv, stdout, stderr },
  });
}

interface Options {
  model: string[];
  only?: string;
  check?: boolean;
  accept?: boolean;
  json?: boolean;
  folder: string;
}

function define(program: Command, io: GoldensIo, setExitCode: (exitCode: number) => void): void {
  program
    .description('Record golden files from transformers.js, or check the existing ones.')
    // Else the program would take the options of its command, which have the same names.
    .enablePositionalOptions()
    .option('--model <names...>', 'record these fixtures, model directories or hub ids', [...QUICK_FIXTURES])
    .option('--only <case>', 'record this case alone')
    .option('--check', 'write nothing; exit with 1 if anything differs beyond the noise')
    .option('--accept', 'move pending goldens to their places; record nothing')
    .option('--json', 'print the summary as JSON')
    .option('--folder <folder>', 'read and write goldens in this folder', GOLDEN_FOLDER)
    .addHelpText(
      'after',
      `
Fixtures: ${Object.keys(FIXTURES).join(', ')}.
Their weights are random and their text is gibberish by design. The last takes
gigabytes and minutes, and is recorded only if it is named.
Recorded goldens overwrite nothing: new and changed ones wait in the folder's .pending until --accept.
Goldens that differ only within the reference's own noise, as on another CPU, count as unchanged.
With CI set in the environment, every run is a --check.

Exit codes: 0 done, 1 a difference (--check) or a failure, 2 wrong usage, 130 or 143 interrupted.

Examples:
  plumbline-goldens                                record everything
  plumbline-goldens --model dense --only ids-one   one case of one model
  plumbline-goldens --model Qwen/Qwen3-0.6B        a real model
  plumbline-goldens --accept                       accept what was recorded last`,
    )
    .action(async (options: Options) => {
      setExitCode(await (options.accept ? accept(options, io) : record(options, io)));
    });
  addExportCommand(program, io);
}

/** A CI run never writes goldens: it would accept the numbers that it has to check. */
function isCheck({ check }: Options, { env }: GoldensIo): boolean {
  return check || Boolean(env.CI);
}

/** @returns the exit code. */
function accept(options: Options, io: GoldensIo): number {
  const { folder, json, only } = options;
  if (isCheck(options, io) || only) {
    throw new UsageError(
      '--accept takes the pending goldens as they are; give neither --check nor --only with it, nor set CI',
    );
  }
  const files = acceptPending(folder);
  io.stdout.write(json ? `${JSON.stringify({ accepted: files })}\n` : `accepted ${files.length} files\n`);
  return 0;
}

/** @returns the exit code. */
async function record(options: Options, io: GoldensIo): Promise<number> {
  const check = isCheck(options, io);
  const { folder, model: models, only, json } = options;
  const pending = check ? undefined : new PendingGoldens(folder);
  const progress = await createProgress(io.stderr);
  progress.show('loading');
  // ONNX Runtime cannot stop in the middle of a graph, so the process exits at once.
  const stopListening = onInterrupt(io.signals, ({ message, exitCode }) => {
    progress.hide();
    pending?.discard();
    io.stderr.write(`plumbline-goldens: ${message}; no golden was changed\n`);
    io.exit(exitCode);
  });
  try {
    // Imported when they are needed, so that help and wrong usage are quick.
    const [{ regenerate }, { openModel }] = await importWithPackages('recording', () =>
      Promise.all([import('./recording/regenerate.ts'), import('./recording/models.ts')]),
    );
    const lineOf = progressLines();
    const summaries = await regenerate({
      ...{ folder, models, only, pending },
      onProgress: (recording) => progress.show(lineOf(recording)),
      onFetch: progress.show,
      open: (model, options) =>
        openModel(model, {
          ...options,
          env: io.env,
          onProgress: (done, total) => progress.count(share(`making ${model}`, done, total)),
        }),
    });
    progress.hide();
    const isPending = pending?.publish() ?? false;
    io.stdout.write(
      json
        ? `${JSON.stringify({ models: summaries, pending: isPending })}\n`
        : formatSummaries(summaries, isPending),
    );
    return check && summaries.some(hasChanges) ? 1 : 0;
  } finally {
    progress.hide();
    pending?.discard();
    stopListening();
  }
}
