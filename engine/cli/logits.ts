import { accessSync, constants, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Command } from 'commander';
import { type TensorData, writeSafetensors } from '../checkpoint/safetensors-writer.ts';
import { type ModelConfig, readModelConfig } from '../config.ts';
import { FileError } from '../errors.ts';
import { readIdLists } from './input-files.ts';
import { interruptible } from './interrupt.ts';
import type { Io, RunningEngine } from './io.ts';
import { addModelOption, COMPUTED_FILES, findModel, type ModelOption } from './model-option.ts';
import { createProgress, type Progress, share } from './progress.ts';
import { cacheTokensFor, checkPrompts } from './prompts.ts';

export interface LogitsOptions extends ModelOption {
  /** A JSON file: an array of arrays of token ids. */
  ids: string;
  /** The safetensors file to write. */
  out: string;
  hidden?: boolean;
}

export function addLogits(program: Command, io: Io): void {
  addModelOption(
    program.command('logits').description('Write the logits of every position of prompts to a file.'),
  )
    .requiredOption('--ids <file.json>', 'required: the prompts, an array of arrays of token ids')
    .requiredOption(
      '--out <file.safetensors>',
      'required: where to write; replaced only when all is computed',
    )
    .option('--hidden', 'write the hidden states too', false)
    .addHelpText(
      'after',
      `
Tensors of the file, for the prompts 0, 1, … of T tokens each:
  "0"         f32 [T, vocabulary]       the logits at every position
  "0.hidden"  f32 [layers+2, T, hidden] with --hidden: the embedding, the stream
                                        after every layer, after the final norm

Examples:
  plumbline logits --model ./Qwen3-0.6B --ids ids.json --out out.safetensors
  plumbline logits --model Qwen/Qwen3-0.6B --ids ids.json --out out.safetensors \\
    --hidden`,
    )
    .action((options: LogitsOptions) => logits(options, io));
}

/**
 * Computes the logits of every position of every prompt. All prompts are checked before the first is computed, and
 * nothing is written before the last is.
 *
 * @throws FileError, HubError, ConfigError, CheckpointError, PromptError, KernelError as their readers do.
 */
export async function logits(options: LogitsOptions, io: Io): Promise<void> {
  const prompts = await readIdLists(options.ids);
  checkWritable(options.out);
  const progress = await createProgress(io.stderr);
  try {
    const modelDir = await findModel(options, COMPUTED_FILES, io, progress);
    const config = await readModelConfig(modelDir);
    checkPrompts(prompts, config);
    const engine = await io.loadEngine(modelDir, {
      cacheTokens: cacheTokensFor(prompts),
      onProgress: (done, total) => progress.count(share('reading weights', done, total)),
    });
    try {
      const tensors = compute(engine, config, prompts, options.hidden ?? false, progress);
      progress.show(`writing ${options.out}`);
      await interruptible(io.signals, async () => writeSafetensors(options.out, tensors));
    } finally {
      engine.close();
    }
  } finally {
    progress.hide();
  }
}

function compute(
  engine: RunningEngine,
  config: ModelConfig,
  prompts: readonly number[][],
  hidden: boolean,
  progress: Progress,
): Map<string, TensorData> {
  const { vocabSize, numHiddenLayers, hiddenSize } = config;
  const tensors = new Map<string, TensorData>();
  for (const [index, ids] of prompts.entries()) {
    progress.show(`prompt ${index + 1} of ${prompts.length}, ${ids.length} tokens`);
    const result = engine.forward(ids, { hidden });
    tensors.set(`${index}`, { dtype: 'F32', shape: [ids.length, vocabSize], data: result.logits });
    if (result.hidden) {
      const shape = [numHiddenLayers + 2, ids.length, hiddenSize];
      tensors.set(`${index}.hidden`, { dtype: 'F32', shape, data: result.hidden });
    }
  }
  return tensors;
}

/** Finding out after minutes of computing that there is no such folder would be late. */
function checkWritable(path: string): void {
  const folder = dirname(path);
  try {
    accessSync(folder, constants.W_OK);
  } catch (cause) {
    throw new FileError(`${path}: cannot be written: ${folder} (${(cause as NodeJS.ErrnoException).code})`, {
      cause,
    });
  }
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    throw new FileError(`${path}: cannot be written: it is a folder; --out names a file`);
  }
}
