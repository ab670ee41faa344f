import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { resolveModel } from '../engine/checkpoint/hub.ts';
import { readModelConfig } from '../engine/config.ts';
import { ensureFixture, FIXTURES } from './fixtures.ts';
import { Float64Twin } from './float64-twin.ts';
import { GRAPHS, writeGraphs } from './graphs.ts';
import { linkOrCopy } from './onnx/link.ts';
import type { Recorder } from './record.ts';
import { loadReferenceTokenizer, Reference } from './reference.ts';
import { selectionFor } from './selection.ts';

/** A model whose goldens can be recorded. */
export interface RecordableModel {
  /** The name of its folder in `golden/`. */
  name: string;
  /** `fixture`, or what the user called it. */
  source: string;
  seed?: string;
  recorder: Omit<Recorder, 'maxNewTokens'>;
  sha256: Record<string, string>;
  close(): Promise<void>;
}

/** The names under which {@link openModel} finds a fixture. */
export function fixtureNames(): string[] {
  return Object.keys(FIXTURES);
}

/**
 * Opens a fixture, a model directory, or a model of the hub. A directory that has a graph of its own in `onnx/` is
 * recorded from that graph; hidden states and the float64 twin come from our graphs of its weights, if it has any.
 *
 * @param model a fixture's name, a directory, or a hub id.
 * @throws ConfigError, CheckpointError, HubError as their readers do.
 */
export async function openModel(model: string): Promise<RecordableModel> {
  const fixture = FIXTURES[model];
  if (fixture) {
    const modelDir = await ensureFixture(model);
    return await open({ name: model, source: 'fixture', seed: fixture.weights.seed }, modelDir, modelDir);
  }
  const modelDir = await resolveModel(model, {
    files: ['config.json'],
    optional: [
      'generation_config.json',
      'tokenizer.json',
      'tokenizer_config.json',
      'onnx/model.onnx',
      'onnx/model.onnx_data',
    ],
    weights: true,
  });
  const name = existsSync(model) ? basename(resolve(model)) : model.replace('/', '--');
  const ours = hasWeights(modelDir) ? await copyWithGraphs(modelDir) : undefined;
  const theirs = existsSync(join(modelDir, 'onnx', 'model.onnx')) ? modelDir : ours;
  if (!theirs)
    throw new Error(`${modelDir}: has neither weights nor onnx/model.onnx; there is nothing to record`);
  const opened = await open({ name, source: model }, theirs, ours);
  return {
    ...opened,
    async close() {
      await opened.close();
      if (ours) rmSync(ours, { recursive: true, force: true });
    },
  };
}

async function open(
  what: Pick<RecordableModel, 'name' | 'source' | 'seed'>,
  referenceDir: string,
  graphsDir: string | undefined,
): Promise<RecordableModel> {
  const config = await readModelConfig(referenceDir);
  const tokenizer = existsSync(join(referenceDir, 'tokenizer.json'))
    ? await loadReferenceTokenizer(referenceDir)
    : undefined;
  const reference = await Reference.load(referenceDir);
  const tapped = graphsDir ? await Reference.load(graphsDir, { fileName: GRAPHS.tapped }) : undefined;
  const twin = graphsDir
    ? await Float64Twin.load(join(graphsDir, 'onnx', `${GRAPHS.float64}.onnx`), config)
    : undefined;
  return {
    ...what,
    recorder: { config, tokenizer, reference, tapped, twin, selection: selectionFor(config) },
    sha256: await hashFiles(referenceDir),
    async close() {
      await Promise.all([reference.dispose(), tapped?.dispose(), twin?.dispose()]);
    },
  };
}

/** SHA-256 of what decides the goldens: configuration, weights, tokenizer, and the graph that ran. */
export async function hashFiles(modelDir: string): Promise<Record<string, string>> {
  const decisive = /^(config\.json|generation_config\.json|tokenizer.*\.json|model.*\.safetensors)$/;
  const files = readdirSync(modelDir)
    .filter((file) => decisive.test(file))
    .sort();
  const graph = join('onnx', `${GRAPHS.reference}.onnx`);
  if (existsSync(join(modelDir, graph))) files.push(graph);
  const hashes: Record<string, string> = {};
  for (const file of files) {
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(join(modelDir, file))) hash.update(chunk);
    hashes[file] = hash.digest('hex');
  }
  return hashes;
}

function hasWeights(modelDir: string): boolean {
  return readdirSync(modelDir).some((file) => file.endsWith('.safetensors'));
}

/** A folder of our own with the same files, so that nothing is written into the user's. */
async function copyWithGraphs(modelDir: string): Promise<string> {
  const copy = mkdtempSync(join(tmpdir(), 'plumbline-'));
  for (const file of readdirSync(modelDir, { withFileTypes: true })) {
    if (!file.isDirectory()) await linkOrCopy(join(modelDir, file.name), join(copy, file.name));
  }
  await writeGraphs(copy);
  return copy;
}
