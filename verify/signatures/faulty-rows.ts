import { Checkpoint } from '../../engine/checkpoint/checkpoint.ts';
import { readModelConfig, type WeightDtype, widen } from '../../engine/index.ts';
import { withConfig } from '../reference/config-variant.ts';
import { computeRows, type Rows, type RowsCase, type TakeRow } from '../reference/rows.ts';
import type { Bug, BugContext } from './bug.ts';

/** What is taken of the rows of a faulty engine. */
export interface FaultyRowsOptions<T> {
  readonly cases: readonly RowsCase[];
  readonly take: TakeRow<T>;
  /** Ends the computation between two cases. */
  readonly signal?: AbortSignal;
}

/**
 * The rows that our engine would give if it had a bug, at f32.
 *
 * @throws what `Engine.load` and `Engine.forward` throw; the reason of `signal` if it is aborted.
 */
export async function faultyRows<T>(
  modelDir: string,
  bug: Bug,
  { cases, take, signal }: FaultyRowsOptions<T>,
): Promise<Rows<T>> {
  let current = cases[0];
  const faulty = bug.make({
    vector: vectorsOf(modelDir),
    config: await readModelConfig(modelDir),
    promptLength: () => current.promptLength,
  });
  const {
    taps,
    config,
    rowOf = (position: number) => position,
    row = (values: Float32Array) => values,
  } = faulty;
  const onCase = (next: RowsCase) => {
    current = next;
  };
  // Two positions may want the same row: each row is asked for once.
  const asked = cases.map((one) => ({ ...one, positions: [...new Set(one.positions.map(rowOf))] }));
  const caseOf = new Map(cases.map((one) => [one.id, one]));
  const takeAll = (values: Float32Array, { id, positions }: RowsCase, index: number): T[] => {
    const one = caseOf.get(id)!;
    return one.positions.flatMap((position, i) =>
      rowOf(position) === positions[index] ? [take(row(values), one, i)] : [],
    );
  };
  const compute = (dir: string) => computeRows(dir, asked, takeAll, { taps, signal, onCase });
  const rows = await (config ? withConfig(modelDir, config, compute) : compute(modelDir));
  return new Map([...rows].map(([id, taken]) => [id, taken.flat()]));
}

/** Reads norms' gains once each. */
function vectorsOf(modelDir: string): BugContext['vector'] {
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
