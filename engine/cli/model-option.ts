import type { Command } from 'commander';
import { interruptible } from '../terminal/interrupt.ts';
import { type Progress, share } from '../terminal/progress.ts';
import { TOKENIZER_FILES } from '../text/tokenizer-files.ts';
import type { Io } from './io.ts';

/** The model that a command uses. */
export interface ModelOption {
  /** A directory in HuggingFace's layout, or a hub id. */
  model: string;
  /** Branch, tag or commit of a hub model. */
  revision?: string;
}

/** The files of a model that a command uses; for a hub id only these are fetched. */
export interface ModelFiles {
  files: string[];
  optional?: string[];
  weights?: boolean;
}

/** The files for computation. */
export const COMPUTED_FILES = {
  files: ['config.json'],
  optional: ['generation_config.json'],
  weights: true,
} satisfies ModelFiles;

/** The files for tokenization. */
export const TEXT_FILES = { files: TOKENIZER_FILES } satisfies ModelFiles;

export function addModelOption(command: Command): Command {
  return command
    .requiredOption(
      '--model <dir|hub-id>',
      'required: use a model directory, a hub id such as Qwen/Qwen3-0.6B, or dense, a tiny model to try',
    )
    .option('--revision <ref>', 'use this branch, tag or commit of a hub id (default: main)');
}

/**
 * @returns the model's directory.
 * @throws HubError if the model is not found or cannot be fetched.
 * @throws Interrupted if a signal ended the download, which the next call resumes.
 */
export function findModel(
  { model, revision }: ModelOption,
  needed: ModelFiles,
  io: Io,
  progress: Progress,
): Promise<string> {
  return interruptible(io.signals, (signal) =>
    io.resolveModel(model, {
      ...needed,
      revision,
      signal,
      onWait: (file) => progress.show(`waiting for another process to fetch ${file}`),
      onProgress: (file, done, total) => progress.count(share(`fetching ${file}`, done, total)),
    }),
  );
}
