import type { LoadedCase } from '../../../../golden/goldens.ts';
import type { CaseTensors, Manifest } from '../../../../golden/schema.ts';
import type { SubjectModel } from '../../../../verify/subject.ts';

export const SIZES = { vocabSize: 40, hiddenSize: 4, numHiddenLayers: 1 };
export const MANIFEST = { vocabularySample: undefined, projections: undefined } as Manifest;
export const STAGES = SIZES.numHiddenLayers + 2;
export const IDS = [5, 6, 7];
export const POSITIONS = [0, 2];

/** A row whose largest logit is at `best`, by a clear margin. */
export const rowOf = (best: number) =>
  Float32Array.from({ length: SIZES.vocabSize }, (_, id) => (id === best ? 8 : Math.sin(7 * id + best) * 3));

/**
 * What the reference computed: rows of two positions and of two greedy steps, and three stages of hidden
 * states.
 */
export function golden(): LoadedCase & { rows: Float32Array[] } {
  const rows = [rowOf(3), rowOf(11), rowOf(11), rowOf(20)];
  const logits = Float32Array.from(rows.flatMap((row) => Array.from(row)));
  const tensors: CaseTensors = {
    logits,
    // The reference is off by as much as an RMS of 1e-5.
    logitsFloat64: Float64Array.from(logits, (logit, i) => logit + (i % 2 ? 1e-5 : -1e-5)),
    hiddenStates: Float32Array.from({ length: STAGES * POSITIONS.length * SIZES.hiddenSize }, (_, i) =>
      Math.cos(i),
    ),
  };
  return {
    rows,
    tensors,
    recorded: {
      id: 'made-up',
      category: 'short',
      ids: IDS,
      positions: POSITIONS,
      greedy: { tokens: [11, 20], margins: [5, 5] },
      noise: { logits: 2e-6, logitsRms: 1e-5, probabilities: 1e-6, hiddenStates: [0, 1e-6, 1e-6] },
    },
  };
}

/** A subject that gives back what the golden holds, changed by the test. */
export function echo(
  { rows, tensors, recorded }: ReturnType<typeof golden>,
  change: (mine: Answers) => void = () => {},
): SubjectModel {
  const hidden = new Float32Array(STAGES * IDS.length * SIZES.hiddenSize);
  for (let stage = 0; stage < STAGES; stage++) {
    for (const [i, position] of POSITIONS.entries()) {
      const from = (stage * POSITIONS.length + i) * SIZES.hiddenSize;
      const state = tensors.hiddenStates!.subarray(from, from + SIZES.hiddenSize);
      hidden.set(state, (stage * IDS.length + position) * SIZES.hiddenSize);
    }
  }
  const mine: Answers = {
    rows: rows.map((row) => row.slice()),
    hidden,
    tokens: recorded.greedy.tokens.slice(),
    steps: true,
  };
  change(mine);
  return {
    capabilities: { scores: 'all', hidden: true, tokenize: false, chat: false, maxConcurrency: 1 },
    forward: async () => ({
      rows: mine.rows.slice(0, POSITIONS.length).map((values) => ({ values })),
      hidden: mine.hidden,
    }),
    generate: async () => ({
      tokens: mine.tokens,
      scores: mine.steps ? mine.rows.slice(POSITIONS.length).map((values) => ({ values })) : undefined,
    }),
    close: async () => {},
  };
}

export interface Answers {
  rows: Float32Array[];
  hidden: Float32Array | undefined;
  tokens: number[];
  steps: boolean;
}

/** Makes id 9 in a row as good as the best, within the reference's accuracy. */
export function tie({ rows, tensors }: ReturnType<typeof golden>, row: number): void {
  for (const logits of [
    rows[row],
    tensors.logits.subarray(row * 40),
    tensors.logitsFloat64!.subarray(row * 40),
  ]) {
    logits[9] = 8 - 1e-4;
  }
}
