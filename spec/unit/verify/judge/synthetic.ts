import seedrandom from 'seedrandom';
import type {
  Imitation,
  Reference,
  ReferenceCase,
  Signature,
  SubjectCase,
} from '../../../../verify/judge/judgement.ts';
import type { PrecisionClass } from '../../../../verify/precision.ts';

/** Noise of each class in nats. */
export const LEVELS: Readonly<Partial<Record<PrecisionClass, number>>> = {
  f32: 1e-5,
  f16: 0.01,
  bf16: 0.08,
  '8bit': 0.2,
  '4bit': 2,
};

const VOCABULARY = 40;
const SHOWN = 20;

/** Normally distributed numbers. */
export function normals(seed: string): () => number {
  const random = seedrandom(seed);
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

const noisy = (values: Float32Array, level: number, next: () => number) =>
  values.map((value) => value + level * next());

function caseOf(id: string, length: number, next: () => number): ReferenceCase {
  const promptLength = length - 8;
  const rows = Array.from({ length }, (_, position) => {
    const logits = Float32Array.from({ length: VOCABULARY }, () => 2 * next());
    const sum = Math.log(logits.reduce((total, z) => total + Math.exp(z), 0));
    const ids = Int32Array.from([...logits.keys()].sort((a, b) => logits[b] - logits[a]));
    return { position, ids, truth: Float32Array.from(ids, (i) => logits[i] - sum) };
  });
  // The greedy tokens are what each row from the end of the prompt on puts first.
  const ids = rows.map((_, i) => (i < promptLength ? i : rows[i - 1].ids[0]));
  return { id, ids, promptLength, rows };
}

/** Random rows, two draws of noise for each class, two bugs: `everywhere`, and `late` from position 20. */
export function syntheticReference(
  lengths: Readonly<Record<string, number>> = { long: 60, short: 24 },
): Reference {
  const next = normals('truth');
  const cases = Object.entries(lengths).map(([id, length]) => caseOf(id, length, next));
  const imitations = Object.entries(LEVELS).flatMap(([precision, level]) =>
    ['first', 'second'].map((name): Imitation => {
      const draw = normals(`${precision} ${name}`);
      return {
        precision: precision as PrecisionClass,
        name: `${precision}, ${name}`,
        isDraw: false,
        // Logits: they differ from log-probabilities by a constant per row.
        cases: new Map(
          cases.map(({ id, rows }) => [
            id,
            rows.map(({ truth }, r) => noisy(truth, level, draw).map((value) => value + 10 + (r % 3))),
          ]),
        ),
      };
    }),
  );
  const signature = (name: string, first: number): Signature => {
    const draw = normals(name);
    const change = (position: number) =>
      Float32Array.from({ length: VOCABULARY }, () => (position < first ? 0 : draw()));
    return {
      name,
      cases: new Map(cases.map(({ id, rows }) => [id, rows.map(({ position }) => change(position))])),
    };
  };
  return { cases, imitations, signatures: [signature('everywhere', 0), signature('late', 20)] };
}

export interface SyntheticSubject {
  /** Of the noise, in nats. Default: that of bf16. */
  readonly level?: number;
  /** A bug, and how much of it. */
  readonly bug?: { readonly name: string; readonly strength: number };
  readonly seed?: string;
  /** Default false: the likeliest {@link SHOWN} tokens. */
  readonly whole?: boolean;
}

/** Answers of an engine: the truth, its noise, its bug, and a constant for each row. */
export function syntheticSubject(reference: Reference, options: SyntheticSubject = {}): SubjectCase[] {
  const { level = LEVELS.bf16!, bug, seed = 'subject', whole = false } = options;
  const next = normals(seed);
  const signature = reference.signatures.find(({ name }) => name === bug?.name);
  return reference.cases.map(({ id, ids, promptLength, rows }) => {
    const own = rows.map(({ position, ids: rowIds, truth }, r) => {
      const change = signature?.cases.get(id)?.[r];
      const constant = 3 * next();
      const values = noisy(truth, level, next).map(
        (value, i) => constant + value + (change ? bug!.strength * change[i] : 0),
      );
      if (whole) {
        const all = new Float32Array(values.length);
        for (const [i, token] of rowIds.entries()) all[token] = values[i];
        return { position, values: all };
      }
      const shown = [...values.keys()].sort((a, b) => values[b] - values[a]).slice(0, SHOWN);
      return {
        position,
        ids: Int32Array.from(shown, (i) => rowIds[i]),
        values: Float32Array.from(shown, (i) => values[i]),
      };
    });
    return { id, rows: own, greedy: ids.slice(promptLength), greedyRows: own.slice(promptLength - 1, -1) };
  });
}

/** The same with one row changed. */
export function withRow(
  subject: readonly SubjectCase[],
  id: string,
  position: number,
  change: (row: SubjectCase['rows'][number]) => SubjectCase['rows'][number],
): SubjectCase[] {
  return subject.map((one) =>
    one.id === id
      ? { ...one, rows: one.rows.map((row) => (row.position === position ? change(row) : row)) }
      : one,
  );
}
