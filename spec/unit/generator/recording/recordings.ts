import { parseModelConfig } from '../../../../engine/config.ts';
import { largest, selectTensors } from '../../../../generator/recording/case-tensors.ts';
import type { Selection } from '../../../../generator/recording/selection.ts';
import type { Recording } from '../../../../generator/review/number-changes.ts';
import { type Manifest, SCHEMA_VERSION } from '../../../../golden/schema.ts';

/** A model without weights; its numbers are invented below. */
export const CONFIG = parseModelConfig({
  model_type: 'qwen3',
  vocab_size: 48,
  hidden_size: 6,
  intermediate_size: 10,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  head_dim: 4,
  max_position_embeddings: 64,
  rms_norm_eps: 1e-6,
  rope_theta: 10000,
  tie_word_embeddings: true,
});

export const WHOLE: Selection = { maxPositions: 24 };
export const SAMPLED: Selection = {
  vocabularySample: [0, 3, 11, 30, 47],
  projections: { seed: 'projections', count: 2 },
  maxPositions: 24,
};

const STAGES = CONFIG.numHiddenLayers + 2;
const IDS = [5, 47, 0];
/** The first of the rows that a token was chosen from. */
export const FIRST_STEP = IDS.length;
const STEPS = 3;

/** Differences of another computation of the same prompt. */
export interface MakeOptions {
  selection?: Selection;
  /** Changes the whole rows of f32 logits, before other numbers are derived from them. */
  rows?: (rows: Float32Array[]) => void;
  /** Changes the f32 hidden states [stages, positions, hiddenSize]. */
  hidden?: (states: Float32Array) => void;
}

/** A recorded case of three prompt positions and three greedy steps. */
export function makeRecording({ selection = WHOLE, rows, hidden }: MakeOptions = {}): Recording {
  const float32 = Array.from({ length: IDS.length + STEPS }, (_, row) =>
    Float32Array.from(
      { length: CONFIG.vocabSize },
      (_, id) => 6 * Math.sin(row * 7.3 + id * (1.7 + row / 9)),
    ),
  );
  rows?.(float32);
  const float64 = float32.map((row) => Float64Array.from(row, (value, id) => value + 1e-6 * Math.cos(id)));
  const width = IDS.length * CONFIG.hiddenSize;
  const states = Float32Array.from({ length: STAGES * width }, (_, i) => 3 * Math.cos(i * 2.1));
  hidden?.(states);
  const truths = Float64Array.from(states, (value, i) => value + 2e-7 * Math.sin(i));
  const stages = Array.from({ length: STAGES }, (_, stage) => ({
    float32: states.slice(stage * width, (stage + 1) * width),
    float64: truths.slice(stage * width, (stage + 1) * width),
  }));
  const { tensors, noise } = selectTensors(CONFIG, { float32, float64 }, stages, selection);
  const best = float32.slice(FIRST_STEP).map((row) => largest(row, 2).map((id) => ({ id, logit: row[id] })));
  const golden = {
    id: 'a-case',
    category: 'short',
    text: 'a text',
    ids: IDS,
    positions: [...IDS.keys()],
    greedy: {
      tokens: best.map(([first]) => first.id),
      text: best.map(([{ id }]) => `<${id}>`).join(''),
      margins: best.map(([first, second]) => first.logit - second.logit),
    },
    noise,
  };
  return { golden, tensors };
}

/** A manifest of goldens that were recorded with a selection. */
export function makeManifest({ vocabularySample, projections }: Selection = WHOLE): Manifest {
  return {
    schemaVersion: SCHEMA_VERSION,
    model: 'made-up',
    source: 'fixture',
    seed: 'a seed',
    maxNewTokens: STEPS,
    sha256: { 'config.json': 'a'.repeat(64) },
    versions: { transformersJs: '1.0.0', onnxruntimeNode: '2.0.0' },
    recordedOn: { node: 'v0', platform: 'none', cpu: 'none', features: [] },
    ...(vocabularySample ? { vocabularySample } : {}),
    ...(projections ? { projections } : {}),
    cases: ['a-case'],
  };
}
