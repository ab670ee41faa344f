import type { Command } from 'commander';
import { completeEngineOptions } from '../options.ts';
import { createProgress, formatBytes } from '../terminal/progress.ts';
import { TEMPLATE_FILES } from '../text/tokenizer-files.ts';
import type { Io } from './io.ts';
import type { ModelInfo } from './model-info.ts';
import { addModelOption, COMPUTED_FILES, findModel, type ModelOption, TEXT_FILES } from './model-option.ts';

export interface InfoOptions extends ModelOption {
  json?: boolean;
}

export function addInfo(program: Command, io: Io): void {
  addModelOption(program.command('info').description('Show architecture, parameters and memory of a model.'))
    .option('--json', 'print a JSON object instead of a table', false)
    .addHelpText(
      'after',
      `
Reads config.json and the headers of the weights only, and checks them against
each other. A hub id that is not in the cache is fetched with its weights.

Examples:
  plumbline info --model ./Qwen3-0.6B
  plumbline info --model Qwen/Qwen3-0.6B --json`,
    )
    .action((options: InfoOptions) => info(options, io));
}

/**
 * Prints architecture, parameters, bytes of the weights, and bytes of the cache per token.
 *
 * @throws HubError, ConfigError, CheckpointError as their readers do.
 */
export async function info(options: InfoOptions, io: Io): Promise<void> {
  const progress = await createProgress(io.stderr);
  let model: ModelInfo;
  try {
    const optional = [...COMPUTED_FILES.optional, ...TEXT_FILES.files, ...TEMPLATE_FILES];
    const modelDir = await findModel(options, { ...COMPUTED_FILES, optional }, io, progress);
    const { readModelInfo } = await import('./model-info.ts');
    model = await readModelInfo(modelDir);
  } finally {
    progress.hide();
  }
  io.stdout.write(options.json ? `${JSON.stringify(model)}\n` : formatModelInfo(model));
}

/** A table with a name and a value in every line. */
export function formatModelInfo(model: ModelInfo): string {
  const { config, parameters, weightBytes, cacheBytesPerToken } = model;
  const { blockSize } = completeEngineOptions({}, config);
  const dtypes = Object.entries(weightBytes.byDtype).map(([dtype, bytes]) => `${size(bytes)} ${dtype}`);
  const rows: [string, string][] = [
    ['directory', model.directory],
    ['architecture', config.modelType],
    ['layers', number(config.numHiddenLayers)],
    ['hidden size', number(config.hiddenSize)],
    [
      'attention',
      `${config.numAttentionHeads} query heads, ${config.numKeyValueHeads} key/value heads of ${config.headDim}`,
    ],
    ['MLP', number(config.intermediateSize)],
    ['experts', formatExperts(config)],
    ['vocabulary', `${number(config.vocabSize)}, end of sequence ${config.eosTokenIds.join(', ') || 'none'}`],
    ['positions', number(config.maxPositionEmbeddings)],
    ['embeddings', config.tieWordEmbeddings ? 'tied: the head is the embedding' : 'not tied'],
    ['parameters', formatParameters(parameters)],
    ['weights', `${size(weightBytes.total)}: ${dtypes.join(', ')}`],
    [
      'cache',
      `${size(cacheBytesPerToken)} per token, ${size(cacheBytesPerToken * blockSize)} per block of ${blockSize}`,
    ],
    ...model.files.map(({ name, bytes }, i): [string, string] => [
      i === 0 ? 'files' : '',
      `${name}, ${size(bytes)}`,
    ]),
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`).join('');
}

function formatExperts({ moe, numHiddenLayers }: ModelInfo['config']): string {
  if (!moe) return 'none';
  const numSparse = moe.sparseLayers.filter(Boolean).length;
  return (
    `${moe.numExperts} of ${number(moe.moeIntermediateSize)} in ${numSparse} of ${numHiddenLayers} layers, ` +
    `${moe.numExpertsPerTok} per token${moe.normTopkProb ? ', renormalised' : ''}`
  );
}

function formatParameters({ total, active }: ModelInfo['parameters']): string {
  return active === total ? number(total) : `${number(total)}, of which ${number(active)} per token`;
}

/** @returns the exact number of bytes and, from 1000 on, a rounded one. */
function size(bytes: number): string {
  return bytes < 1000 ? `${bytes} bytes` : `${number(bytes)} bytes (${formatBytes(bytes)})`;
}

function number(value: number): string {
  return value.toLocaleString('en-US');
}
