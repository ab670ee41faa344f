import { readCase, readManifest, readTensors } from '../../golden/goldens.ts';
import type { Manifest } from '../../golden/schema.ts';
import type { AskedCase } from '../ask/ask-cases.ts';
import { compareAnswers, type ModelSizes } from './case.ts';
import type { Difference } from './difference.ts';

/** The goldens that a model's answers are held to. */
export interface StoredGoldens {
  /** The name of their folder. */
  readonly name: string;
  /** The folder that has it. Default: the project's own goldens. */
  readonly folder?: string;
}

/**
 * Holds answers to stored goldens by the rules of f32: hidden states, every logit and probability, their
 * distance from the float64 truth, greedy tokens.
 *
 * @returns the differences of each case, in the order of the computation; cases without answers are left out.
 * @throws FileError, CheckpointError if the goldens cannot be read.
 */
export function compareWithGoldens(
  { name, folder }: StoredGoldens,
  sizes: ModelSizes,
  asked: readonly AskedCase[],
): Map<string, readonly Difference[]> {
  const manifest = readManifest(name, folder);
  return new Map(
    asked.flatMap((each) => {
      const differences = compareOne({ name, folder }, manifest, sizes, each);
      return differences ? [[each.case.id, differences] as const] : [];
    }),
  );
}

function compareOne(
  { name, folder }: StoredGoldens,
  manifest: Manifest,
  sizes: ModelSizes,
  { case: each, forward, generated }: AskedCase,
): readonly Difference[] | undefined {
  if (generated.kind !== 'result' || each.refusal !== undefined) return undefined;
  const recorded = readCase(name, each.id, folder);
  if ('refusal' in recorded) return undefined;
  const tensors = readTensors(name, each.id, folder);
  // The strict comparison is of all stored rows.
  const isWhole = forward.kind === 'result' && !forward.value.unreached;
  const answers = isWhole ? forward.value : undefined;
  const rowAt = (position: number) => answers!.rows[each.positions.indexOf(position)];
  const { ids, positions, greedy } = recorded;
  // The whole sequence was scored at once: rows of the prompt, and of each greedy token, are among its rows.
  const forwardAnswer = answers && {
    rows: positions.map(rowAt),
    ...(answers.hidden ? { hidden: hiddenOfPrompt(answers.hidden, ids.length, sizes) } : {}),
  };
  const scores = answers && greedy.tokens.map((_, step) => rowAt(ids.length - 1 + step));
  const { tokens } = generated.value;
  return compareAnswers({ recorded, tensors }, manifest, sizes, {
    ...(forwardAnswer ? { forward: forwardAnswer } : {}),
    generated: { tokens, ...(scores ? { scores } : {}) },
  }).differences;
}

/** @param hidden f32 [stages, T, hiddenSize] @returns f32 [stages, length, hiddenSize] */
function hiddenOfPrompt(
  hidden: Float32Array,
  length: number,
  { hiddenSize, numHiddenLayers }: ModelSizes,
): Float32Array {
  const stages = numHiddenLayers + 2;
  const whole = hidden.length / stages;
  const part = new Float32Array(stages * length * hiddenSize);
  for (let stage = 0; stage < stages; stage++) {
    part.set(
      hidden.subarray(stage * whole, stage * whole + length * hiddenSize),
      stage * length * hiddenSize,
    );
  }
  return part;
}
