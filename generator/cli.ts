#!/usr/bin/env node
import { Command } from 'commander';
import { UsageError } from '../engine/errors.ts';
import { GOLDEN_FOLDER } from '../golden/goldens.ts';
import { runCommand } from './command.ts';
import { FIXTURES, QUICK_FIXTURES } from './fixtures/fixtures.ts';
import { createProgress } from './progress.ts';
import { acceptPending, PendingGoldens } from './review/pending.ts';

interface Options {
  model: string[];
  only?: string;
  check?: boolean;
  accept?: boolean;
  json?: boolean;
  folder: string;
  debug?: boolean;
}

const program = new Command('plumbline-goldens')
  .description('Records golden files from transformers.js, or checks the ones there are.')
  .option('--model <names...>', 'fixtures, model directories or hub ids', [...QUICK_FIXTURES])
  .option('--only <case>', 'record this case alone')
  .option('--check', 'write nothing; exit with 1 if anything differs beyond the noise')
  .option('--accept', 'put what is pending in its place; nothing is recorded')
  .option('--json', 'print the summary as JSON')
  .option('--folder <folder>', 'where the goldens are', GOLDEN_FOLDER)
  .option('--debug', 'print stack traces')
  .addHelpText(
    'after',
    `
Fixtures: ${Object.keys(FIXTURES).join(', ')}.
The last takes gigabytes and minutes, and is recorded only if it is named.
Recorded goldens never overwrite: what is new or changed waits in the folder's .pending until --accept.
Goldens that differ only within the reference's own noise, as on another CPU, count as unchanged.
With CI set in the environment, every run is a --check.

Exit codes: 0 done, 1 a difference (--check) or a failure, 2 wrong usage, 130 or 143 interrupted.

Examples:
  plumbline-goldens                                record everything, see what changed
  plumbline-goldens --model dense --only ids-one   one case of one model
  plumbline-goldens --model Qwen/Qwen3-0.6B        the real model, fetched if it is not cached
  plumbline-goldens --accept                       accept what the last run recorded`,
  )
  .exitOverride()
  .configureOutput({
    outputError: (message, write) => write(message.replace(/^error: /, 'plumbline-goldens: ')),
  });

/** @returns the exit code. */
async function run(options: Options): Promise<number> {
  // A CI run that rewrote what it is held to would prove nothing.
  const check = options.check || Boolean(process.env.CI);
  if (options.accept && (check || options.only)) {
    throw new UsageError(
      '--accept takes what is pending as it is; it goes with neither --check nor --only, nor with CI in the environment',
    );
  }
  if (options.accept) {
    // Listening defers a signal until all files are moved; they are in no time.
    process.once('SIGINT', () => {}).once('SIGTERM', () => {});
    const files = acceptPending(options.folder);
    process.stdout.write(
      options.json ? `${JSON.stringify({ accepted: files })}\n` : `accepted ${files.length} files\n`,
    );
    return 0;
  }
  const pending = check ? undefined : new PendingGoldens(options.folder);
  const progress = createProgress();
  const interrupt = (signal: NodeJS.Signals) => {
    progress.stop();
    pending?.discard();
    // 128 and the signal's number, as shells report it.
    process.exit(signal === 'SIGINT' ? 130 : 143);
  };
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    // Imported when they are needed, so that help and wrong usage are quick.
    const { hasChanges, regenerate } = await import('./recording/regenerate.ts');
    const { openModel } = await import('./recording/models.ts');
    const { describe } = await import('./review/summary.ts');
    const { folder, model: models, only } = options;
    const { report: onProgress, note: onFetch } = progress;
    const open: typeof openModel = (model, options) =>
      openModel(model, { ...options, onProgress: (done, total) => progress.making(model, done, total) });
    const summaries = await regenerate({ folder, models, only, pending, onProgress, onFetch, open });
    progress.stop();
    const isPending = pending?.publish() ?? false;
    process.stdout.write(
      options.json
        ? `${JSON.stringify({ models: summaries, pending: isPending })}\n`
        : describe(summaries, isPending),
    );
    return check && summaries.some(hasChanges) ? 1 : 0;
  } finally {
    progress.stop();
    pending?.discard();
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}

process.exitCode = await runCommand(program, run);
