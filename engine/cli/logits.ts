import { accessSync, constants, lstatSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import type { Command } from 'commander';
import { readModelConfig } from '../checkpoint/read-config.ts';
import { type LateTensorData, writingSafetensors } from '../checkpoint/safetensors-writer.ts';
import type { ModelConfig } from '../config.ts';
import { FileError, PromptError } from '../errors.ts';
import type { ForwardResult } from '../serving/requests.ts';
import { interruptible } from '../terminal/interrupt.ts';
import { createProgress, formatBytes, share } from '../terminal/progress.ts';
import { addParallelFlags, type ParallelFlags, parallelOptions } from './engine-flags.ts';
import { readIdLists } from './input-files.ts';
import type { Io } from './io.ts';
import { addModelOption, COMPUTED_FILES, findModel, type ModelOption } from './model-option.ts';
import { checkPrompts } from './prompts.ts';

/** All logits of one prompt are in memory at once, beside the weights. */
const MAX_LOGITS_BYTES = 2 ** 32;

export interface LogitsOptions extends ModelOption, ParallelFlags {
  /** A JSON file: an array of arrays of token ids. */
  ids: string;
  /** The safetensors file to write. */
  out: string;
  hidden?: boolean;
}

export function addLogits(program: Command, io: Io): void {
  const command = addModelOption(
    program.command('logits').description('Write the logits at every position of prompts to a file.'),
  )
    .requiredOption('--ids <file.json>', 'required: read prompts from an array of arrays of token ids')
    .requiredOption(
      '--out <file.safetensors>',
      'required: write to this file, which is replaced only when all is computed',
    )
    .option('--hidden', 'write the hidden states as well', false);
  addParallelFlags(command)
    .addHelpText(
      'after',
      `
Tensors of the file, for the prompts 0, 1, … of T tokens each:
  "0"         f32 [T, vocabulary]       the logits at every position
  "0.hidden"  f32 [layers+2, T, hidden] with --hidden: the embedding, the hidden
                                        states after every layer, and those
                                        after the final norm
Ctrl-C ends after the current prompt and writes nothing.

Examples:
  plumbline logits --model ./Qwen3-0.6B --ids ids.json --out out.safetensors
  plumbline logits --model Qwen/Qwen3-0.6B --ids ids.json \\
    --out out.safetensors --hidden`,
    )
    .action((options: LogitsOptions) => logits(options, io));
}

/**
 * Computes the logits at every position of every prompt. All prompts are checked before the first is
 * computed. Results go to a temporary file one by one, which is renamed to `--out` when it is complete.
 *
 * @throws Interrupted if a signal ended it; then nothing is written.
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
    checkSizes(prompts, config);
    const engine = await io.loadEngine(modelDir, {
      // Prompts are computed one at a time.
      cacheTokens: Math.max(...prompts.map(({ length }) => length)),
      ...parallelOptions(options),
      onProgress: (done, total) => progress.count(share('reading weights', done, total)),
    });
    try {
      const forward = (index: number) => {
        const ids = prompts[index];
        progress.show(`prompt ${index + 1} of ${prompts.length}, ${ids.length} tokens`);
        const result = engine.forward(ids, { hidden: options.hidden });
        progress.show(`writing ${options.out}`);
        return result;
      };
      const tensors = tensorsOf(prompts, config, options.hidden ?? false, forward);
      await interruptible(io.signals, async (signal) => {
        for (const _ of writingSafetensors(options.out, tensors)) {
          // Signals arrive between prompts only: computation blocks the event loop.
          await turn();
          signal.throwIfAborted();
        }
      });
    } finally {
      await engine.close();
    }
  } finally {
    progress.hide();
  }
}

/** The tensors of the file. At most one prompt's result is in memory. */
function tensorsOf(
  prompts: readonly number[][],
  { vocabSize, numHiddenLayers, hiddenSize }: ModelConfig,
  hidden: boolean,
  forward: (index: number) => ForwardResult,
): Map<string, LateTensorData> {
  // The file has logits and hidden states of a prompt next to each other, so one result serves both.
  let last: { index: number; result: ForwardResult } | undefined;
  const resultOf = (index: number): ForwardResult => {
    if (last?.index !== index) {
      last = undefined;
      last = { index, result: forward(index) };
    }
    return last.result;
  };
  const tensors = new Map<string, LateTensorData>();
  for (const [index, ids] of prompts.entries()) {
    const shape = [ids.length, vocabSize];
    tensors.set(`${index}`, { dtype: 'F32', shape, data: () => resultOf(index).logits });
    if (!hidden) continue;
    const hiddenShape = [numHiddenLayers + 2, ids.length, hiddenSize];
    tensors.set(`${index}.hidden`, {
      dtype: 'F32',
      shape: hiddenShape,
      data: () => resultOf(index).hidden as Float32Array,
    });
  }
  return tensors;
}

/** @throws PromptError that names the first prompt whose logits are too large. */
function checkSizes(prompts: readonly number[][], { vocabSize }: ModelConfig): void {
  for (const [index, ids] of prompts.entries()) {
    const bytes = ids.length * vocabSize * Float32Array.BYTES_PER_ELEMENT;
    if (bytes <= MAX_LOGITS_BYTES) continue;
    throw new PromptError(
      `prompt ${index}: its logits take ${ids.length} tokens × vocabulary ${vocabSize} × 4 bytes = ` +
        `${formatBytes(bytes)}; expected at most ${formatBytes(MAX_LOGITS_BYTES)}: split the prompt`,
    );
  }
}

/** Checks the folder before minutes of computation. A device, a pipe or a link needs none. */
function checkWritable(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isFile() === false && !isFolder(path)) return;
  const folder = dirname(path);
  try {
    accessSync(folder, constants.W_OK);
  } catch (cause) {
    throw new FileError(
      `${path}: cannot write to the folder ${folder} (${(cause as NodeJS.ErrnoException).code})`,
      {
        cause,
      },
    );
  }
  if (isFolder(path)) {
    throw new FileError(`${path}: cannot write to it: it is a folder; --out names a file`);
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
