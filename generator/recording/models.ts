import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { countParameters } from '../../engine/checkpoint/parameters.ts';
import { readModelConfig } from '../../engine/checkpoint/read-config.ts';
import type { ModelConfig } from '../../engine/config.ts';
import { CheckpointError } from '../../engine/errors.ts';
import { temporary } from '../../engine/terminal/temporary.ts';
import { GOLDEN_FOLDER } from '../../golden/goldens.ts';
import { FIXTURES } from '../fixtures/fixture-specs.ts';
import type { MakingProgress } from '../fixtures/large-checkpoint.ts';
import { goldenName } from '../golden-name.ts';
import { linkOrCopy } from '../onnx/link.ts';
import { Float64Twin } from './float64-twin.ts';
import { ensureFixtureGraphs, GRAPHS, writeGraphs } from './graphs.ts';
import { type FindModelOptions, type FoundModel, findModel, refuseDamaged } from './hub-model.ts';
import { onDemand } from './on-demand.ts';
import type { Recorder } from './record.ts';
import { loadReferenceTokenizer, Reference } from './reference.ts';
import { selectionFor } from './selection.ts';

/** A model whose goldens can be recorded. */
export interface RecordableModel {
  /** The name of its folder in `golden/`. */
  name: string;
  /** `fixture`, or the directory or hub id that the user gave. */
  source: string;
  /** The hub id that the reference's graph came from, if not the model itself. */
  graph?: string;
  seed?: string;
  recorder: Omit<Recorder, 'maxNewTokens'>;
  sha256: Record<string, string>;
  close(): Promise<void>;
}

/** What {@link openModel} takes beside the model. */
export interface OpenModelOptions extends Partial<FindModelOptions> {
  /** Called while a large fixture is made, which happens before anything else. */
  onProgress?: MakingProgress;
  /**
   * From this number of parameters on, only the reference stays in memory; our graphs for hidden states and
   * the float64 twin are loaded for each prompt. Default 2^28, of which the graphs in float32 and float64
   * take 1 and 2 GB.
   */
  onDemandFrom?: number;
}

type Closer = () => void | Promise<void>;

/**
 * Opens a fixture, a model directory, or a model of the hub. One that has a graph of its own, in `onnx/` or
 * in another repository, is recorded from that graph; hidden states and the float64 twin come from our
 * graphs of its weights, if it has any. Files of the hub are compared with their hashes before the reference
 * sees them.
 *
 * @param model a fixture's name, a directory, or a hub id.
 * @throws ConfigError, CheckpointError, HubError, ModelIdentityError as their readers do; CheckpointError
 * also if a directory has neither weights nor a graph.
 */
export async function openModel(model: string, options: OpenModelOptions = {}): Promise<RecordableModel> {
  const { onDemandFrom = 2 ** 28 } = options;
  // Called in reverse order, at the end or when a later step fails.
  const closers: Closer[] = [];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  const load = async <T extends { dispose(): Promise<void> }>(loading: Promise<T>): Promise<T> => {
    const loaded = await loading;
    closers.push(() => loaded.dispose());
    return loaded;
  };
  try {
    const { modelDir, graph, ...what } = await locate(model, { folder: GOLDEN_FOLDER, ...options });
    const ours = isFixture(model) ? modelDir : await copyWithGraphs(modelDir, closers);
    const hasGraph = existsSync(join(modelDir, 'onnx', `${GRAPHS.reference}.onnx`));
    const theirs = graph?.modelDir ?? (hasGraph ? modelDir : ours);
    if (!theirs) {
      throw new CheckpointError(
        `${modelDir}: has neither weights (*.safetensors) nor onnx/model.onnx; there is nothing to record`,
      );
    }
    const ofGraph = await hashFiles(theirs);
    const ofModel = graph ? await hashFiles(modelDir) : ofGraph;
    await refuseDamaged(theirs, ofGraph);
    await refuseDamaged(modelDir, ofModel);
    // The graph comes from its own repository, everything else from the model's.
    const sha256 = graph ? { ...ofModel, ...graphsOf(ofGraph) } : ofGraph;
    const textDir = graph ? modelDir : theirs;
    const config = await readModelConfig(textDir);
    const hasTokenizer = existsSync(join(textDir, 'tokenizer.json'));
    const tokenizer = hasTokenizer ? await loadReferenceTokenizer(textDir) : undefined;
    const reference = await load(Reference.load(theirs));
    const isLarge = countParameters(config).total >= onDemandFrom;
    const ownGraphs = ours ? await (isLarge ? ownGraphsOnDemand : openOwnGraphs)(ours, config, load) : {};
    return {
      ...what,
      ...(graph ? { graph: graph.id } : {}),
      recorder: { config, tokenizer, reference, ...ownGraphs, selection: selectionFor(config) },
      sha256,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Loads a graph that is closed with the model. */
type Load = <T extends { dispose(): Promise<void> }>(loading: Promise<T>) => Promise<T>;

/** Our graphs of a model directory, for hidden states and for float64. */
type OwnGraphs = Required<Pick<Recorder, 'tapped' | 'twin'>>;

async function openOwnGraphs(modelDir: string, config: ModelConfig, load: Load): Promise<OwnGraphs> {
  return {
    tapped: await load(Reference.load(modelDir, { fileName: GRAPHS.tapped })),
    twin: await load(Float64Twin.load(float64Graph(modelDir), config)),
  };
}

async function ownGraphsOnDemand(modelDir: string, config: ModelConfig): Promise<OwnGraphs> {
  const optimization = 'disabled';
  return {
    tapped: onDemand(() => Reference.load(modelDir, { fileName: GRAPHS.tapped, optimization })),
    twin: onDemand(() => Float64Twin.load(float64Graph(modelDir), config, optimization)),
  };
}

function float64Graph(modelDir: string): string {
  return join(modelDir, 'onnx', `${GRAPHS.float64}.onnx`);
}

function isFixture(model: string): boolean {
  return Object.hasOwn(FIXTURES, model);
}

async function locate(
  model: string,
  options: OpenModelOptions & FindModelOptions,
): Promise<Pick<RecordableModel, 'name' | 'source' | 'seed'> & FoundModel> {
  const name = goldenName(model);
  if (isFixture(model)) {
    const modelDir = await ensureFixtureGraphs(model, undefined, options.onProgress);
    return { name, source: 'fixture', seed: FIXTURES[model].weights.seed, modelDir };
  }
  return { name, source: model, ...(await findModel(model, options)) };
}

function graphsOf(sha256: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(sha256).filter(([file]) => file.startsWith('onnx/')));
}

/**
 * SHA-256 of the files that decide the goldens: configuration, weights, tokenizer, and the reference's
 * graph.
 */
export async function hashFiles(modelDir: string): Promise<Record<string, string>> {
  const decisive = /^(config\.json|generation_config\.json|tokenizer.*\.json|.+\.safetensors)$/;
  // A foreign graph may have its weights in separate files.
  const graph = new RegExp(`^${GRAPHS.reference}\\.onnx(_data.*)?$`);
  const files = [
    ...filesIn(modelDir).filter((file) => decisive.test(file)),
    ...filesIn(join(modelDir, 'onnx'))
      .filter((file) => graph.test(file))
      .map((file) => `onnx/${file}`),
  ];
  const hashes: Record<string, string> = {};
  for (const file of files) {
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(join(modelDir, file))) hash.update(chunk);
    hashes[file] = hash.digest('hex');
  }
  return hashes;
}

function filesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).sort() : [];
}

/**
 * A temporary folder with links to the same files and our graphs, so that nothing is written into the user's
 * folder.
 *
 * @returns undefined if the model has no weights for our graphs.
 */
async function copyWithGraphs(modelDir: string, closers: Closer[]): Promise<string | undefined> {
  const entries = readdirSync(modelDir, { withFileTypes: true });
  if (!entries.some(({ name }) => name.endsWith('.safetensors'))) return undefined;
  const { path: copy, remove } = temporary(mkdtempSync(join(tmpdir(), 'plumbline-')));
  closers.push(remove);
  for (const entry of entries) {
    if (!entry.isDirectory()) await linkOrCopy(join(modelDir, entry.name), join(copy, entry.name));
  }
  await writeGraphs(copy);
  return copy;
}
