import { Checkpoint } from '../../engine/checkpoint/checkpoint.ts';
import { type WeightDtype, widen } from '../../engine/index.ts';
import { withConfig } from '../reference/config-variant.ts';
import type { Rows, RowsCase, WantedScores } from '../reference/rows.ts';
import { TappedModel } from '../reference/tapped-model.ts';
import type { Bug, BugContext } from './bug.ts';

/** A model directory, and our engine that has loaded it with its own weights. */
export interface LoadedModel {
  readonly modelDir: string;
  readonly model: TappedModel;
}

/**
 * The scores that our engine would give if it had a bug, at f32. A bug of weights or configuration loads the
 * model anew.
 *
 * @throws what `Engine.load` and `Engine.forward` throw; the reason of `signal` if it is aborted.
 */
export async function faultyScores(
  { modelDir, model }: LoadedModel,
  bug: Bug,
  { wanted, signal }: { wanted: WantedScores; signal?: AbortSignal },
): Promise<Rows<Float32Array>> {
  let current = wanted.cases[0];
  const faulty = bug.make({
    vector: vectorsOf(modelDir),
    config: model.config,
    promptLength: () => current.promptLength,
  });
  const { taps, config, rowOf, row } = faulty;
  const onCase = (next: RowsCase) => {
    current = next;
  };
  const compute = (of: TappedModel) => of.scores(wanted, { taps, rowOf, onCase, signal });
  const computeAnew = async (dir: string) => {
    const other = await TappedModel.load(dir, wanted.cases, { weights: taps?.weights });
    try {
      return await compute(other);
    } finally {
      await other.close();
    }
  };
  const scores = config
    ? await withConfig(modelDir, config, computeAnew)
    : taps?.weights
      ? await computeAnew(modelDir)
      : await compute(model);
  return row ? new Map([...scores].map(([id, rows]) => [id, rows.map(row)])) : scores;
}

/** Reads norms' gains once each. */
export function vectorsOf(modelDir: string): BugContext['vector'] {
  const read = new Map<string, Float32Array>();
  return (name) => {
    const known = read.get(name);
    if (known) return known;
    const checkpoint = Checkpoint.open(modelDir);
    try {
      const { file, info } = checkpoint.get(name);
      const values = widen(info.dtype as WeightDtype, file.read(name));
      read.set(name, values);
      return values;
    } finally {
      checkpoint.close();
    }
  };
}
