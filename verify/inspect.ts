import { readModelConfig } from '../engine/checkpoint/read-config.ts';
import type { ModelConfig } from '../engine/config.ts';
import { FileError, show } from '../engine/errors.ts';
import { GOLDEN_FOLDER, type LoadedCase, readCase, readManifest, readTensors } from '../golden/goldens.ts';
import { judgedPositions } from '../golden/judged-positions.ts';
import { project } from '../golden/projection.ts';
import type { Manifest } from '../golden/schema.ts';
import { maxAbs, tolerance } from '../golden/tolerance.ts';
import { allRows, checkHidden, checkRows } from './compare/answers.ts';
import { expectedRows } from './compare/expected-rows.ts';
import { pairRows } from './compare/rows.ts';
import { NotSupportedError } from './errors.ts';
import { compareStage, formatStages, type Stage } from './stages.ts';
import type { ForwardAnswer, Subject } from './subject.ts';
import { engineStages, hiddenStages, hiddenStateNames, oracleStages, type Stages } from './witnesses.ts';

/** What {@link inspect} takes. */
export interface InspectOptions {
  /** The folder of the model's goldens, and the case. */
  readonly golden: string;
  readonly id: string;
  readonly modelDir: string;
  /** What is tested. Default: our engine. */
  readonly subject?: Subject;
}

/** The table, and whether what is tested agrees with the golden at every stage that could be compared. */
export interface Inspection {
  readonly text: string;
  readonly agrees: boolean;
}

/** A golden case, and what the witnesses computed of its prompt. */
interface Evidence {
  readonly loaded: LoadedCase;
  readonly manifest: Manifest;
  readonly config: ModelConfig;
  readonly engine: Stages;
  readonly oracle: Stages | undefined;
  readonly subject: ForwardAnswer | undefined;
}

/**
 * Runs a golden's prompt through the subject, our engine and the float64 oracle, and compares them with the
 * golden stage by stage: hidden states, the stages within each layer where a witness has them, logits.
 *
 * @throws FileError if there is no such golden; NotSupportedError if the reference refuses the prompt, or the
 * subject has no scores; SubjectError if its answer is not finite or has other lengths.
 */
export async function inspect({ golden, id, modelDir, subject }: InspectOptions): Promise<Inspection> {
  const manifest = readManifest(golden, GOLDEN_FOLDER);
  if (!manifest.cases.includes(id)) {
    throw new FileError(
      `the goldens of ${golden} have no case ${show(id)}; they have ${manifest.cases.join(', ')}`,
    );
  }
  const recorded = readCase(golden, id, GOLDEN_FOLDER);
  if ('refusal' in recorded) {
    throw new NotSupportedError(`${golden} · ${id}: the reference refuses this prompt; it has no stages`);
  }
  const { ids } = recorded;
  const config = await readModelConfig(modelDir);
  const loaded = { recorded, tensors: readTensors(golden, id) };
  const evidence: Evidence = {
    loaded,
    manifest,
    config,
    engine: await engineStages(modelDir, ids),
    oracle: await oracleStages(modelDir, config, ids),
    subject: subject && (await askSubject(subject, modelDir, loaded, config)),
  };
  const tested = subject ? 'subject' : 'engine';
  const lines = [...evidence.engine.keys()].map((name) => compareStage(stageOf(name, evidence), tested));
  const agrees = lines.every(({ differsAt }) => differsAt === undefined);
  return { text: formatStages(lines, tested), agrees };
}

async function askSubject(
  subject: Subject,
  modelDir: string,
  { recorded: { id, ids, positions, greedy } }: LoadedCase,
  { vocabSize, hiddenSize, numHiddenLayers }: ModelConfig,
): Promise<ForwardAnswer> {
  const model = await subject.load(modelDir);
  try {
    // The judge's own request: files that an engine has written have answers to no other.
    const sequence = [...ids, ...greedy.tokens];
    const judged = judgedPositions(ids.length, greedy.tokens.length, positions);
    const { rows, hidden } = allRows(await model.forward({ ids: sequence, positions: judged, hidden: true }));
    const asked = `forward of "${id}"`;
    checkRows(asked, rows, { count: judged.length, vocabSize });
    if (hidden) checkHidden(asked, hidden, (numHiddenLayers + 2) * sequence.length * hiddenSize);
    return { rows: positions.map((position) => rows[judged.indexOf(position)]), hidden };
  } finally {
    await model.close();
  }
}

function stageOf(name: string, evidence: Evidence): Stage {
  if (name === 'logits') return logitsStage(evidence);
  const layer = hiddenStateNames(evidence.config).indexOf(name);
  return layer < 0 ? innerStage(name, evidence) : hiddenStage(name, layer, evidence);
}

/** A hidden state: the golden has it whole or as a projection, and the others are compared in that form. */
function hiddenStage(
  name: string,
  index: number,
  { loaded, manifest, config, engine, oracle, subject }: Evidence,
): Stage {
  const { positions, noise } = loaded.recorded;
  const { hiddenSize } = config;
  const projected = (stages: Stages | undefined) =>
    rowsAt(positions, hiddenSize, stages?.get(name))?.map((row) =>
      project(row, hiddenSize, manifest.projections),
    );
  const width = manifest.projections?.count ?? hiddenSize;
  const stored = loaded.tensors.hiddenStates?.subarray(index * positions.length * width);
  const rows = {
    subject: subject?.hidden && projected(hiddenStages(subject.hidden, config)),
    engine: projected(engine),
    golden: rowsAt([...positions.keys()], width, stored),
    oracle: projected(oracle),
  };
  const bounds = (rows.golden ?? rows.engine!).map((row) =>
    tolerance(maxAbs(row), noise.hiddenStates[index]),
  );
  return { name, positions, rows, bounds };
}

/**
 * A stage within a layer, which only our engine and the oracle have: its noise is about that of the layer's
 * output.
 */
function innerStage(name: string, { loaded, engine, oracle }: Evidence): Stage {
  const { ids, positions, noise } = loaded.recorded;
  const layer = Number(/^layers\.(\d+)\./.exec(name)?.[1]);
  const width = engine.get(name)!.length / ids.length;
  const rows = {
    engine: rowsAt(positions, width, engine.get(name)),
    oracle: rowsAt(positions, width, oracle?.get(name)),
  };
  const bounds = rows.engine!.map((row) => tolerance(maxAbs(row), noise.hiddenStates[layer + 1]));
  return { name, positions, rows, bounds };
}

/** Logits of the tokens that the golden has, and of them those that the subject shows. */
function logitsStage({ loaded, manifest, config, engine, oracle, subject }: Evidence): Stage {
  const { id, positions, noise } = loaded.recorded;
  const { vocabSize } = config;
  const expected = expectedRows(loaded, vocabSize, manifest.vocabularySample).slice(0, positions.length);
  const shown = subject && pairRows(`forward of "${id}"`, subject.rows, expected, noise);
  const columns = expected.map((row, i) => shown?.[i].columns ?? [...row.ids.keys()]);
  const pick = (stages: Stages | undefined) =>
    rowsAt(positions, vocabSize, stages?.get('logits'))?.map((row, i) =>
      Float64Array.from(columns[i], (column) => row[expected[i].ids[column]]),
    );
  const rows = {
    subject: shown?.map(({ values, offset }) => values.map((value) => value + offset)),
    engine: pick(engine),
    golden: expected.map(({ logits }, i) => Float64Array.from(columns[i], (column) => logits[column])),
    oracle: pick(oracle),
  };
  return {
    name: 'logits',
    positions,
    rows,
    bounds: expected.map(({ rowMax }) => tolerance(rowMax, noise.logits)),
  };
}

/** @param values [rows, width] */
function rowsAt(
  indices: readonly number[],
  width: number,
  values: Float32Array | Float64Array | undefined,
): (Float32Array | Float64Array)[] | undefined {
  return values && indices.map((i) => values.subarray(i * width, (i + 1) * width));
}
