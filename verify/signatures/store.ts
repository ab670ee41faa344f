import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { SafetensorsFile } from '../../engine/checkpoint/safetensors.ts';
import { type TensorData, writeSafetensors } from '../../engine/checkpoint/safetensors-writer.ts';
import { FileError } from '../../engine/errors.ts';
import { readJsonSync } from '../../engine/terminal/read-json.ts';
import { GOLDEN_FOLDER } from '../../golden/goldens.ts';
import type { ReferenceCase, Signature } from '../judge/judgement.ts';
import { rms } from '../judge/statistics.ts';

/**
 * `golden/<model>/signatures.json`, which a reviewer reads, beside `signatures.safetensors`:
 *
 * | name | dtype | shape | |
 * |---|---|---|---|
 * | `ids` | I32 | [rows, covered] | the truth's likeliest ids, descending; cases one after the other |
 * | `<bug>` | I8 | [rows, covered] | change of each id's log-probability, in units of the row's scale |
 * | `<bug>.scale` | F32 | [rows] | nats |
 */
const contents = z.strictObject({
  covered: z.int().positive(),
  /** By case, the positions of its rows. */
  cases: z.record(z.string(), z.array(z.int().nonnegative())),
  /** By bug: RMS of its signature over a row's ids in nats, of the median row and of the largest. */
  bugs: z.record(z.string(), z.strictObject({ median: z.number(), largest: z.number() })),
});

const MOST = 127;

/** What {@link writeSignatures} takes. */
export interface WriteSignaturesOptions {
  /** The name of the golden's folder. */
  readonly model: string;
  /** At least one case. */
  readonly truth: readonly ReferenceCase[];
  /** Signatures of all cases of `truth`; at least one. */
  readonly signatures: readonly Signature[];
  readonly writeJson: (path: string, json: unknown) => void;
  /** Where goldens lie. Default: the project's. */
  readonly folder?: string;
}

/** Writes the signatures of a golden. @throws FileError if the files cannot be written. */
export function writeSignatures(options: WriteSignaturesOptions): void {
  const { model, truth, signatures, writeJson, folder = GOLDEN_FOLDER } = options;
  const covered = [...signatures[0].cases.values()][0][0].length;
  const rows = truth.flatMap((one) => one.rows);
  const ids = new Int32Array(rows.length * covered);
  for (const [r, row] of rows.entries()) ids.set(row.ids.subarray(0, covered), r * covered);
  const tensors = new Map<string, TensorData>([
    ['ids', { dtype: 'I32', shape: [rows.length, covered], data: ids }],
  ]);
  const sizes: Record<string, { median: number; largest: number }> = {};
  for (const { name, cases } of signatures) {
    const changes = truth.flatMap(({ id }) => cases.get(id)!);
    const scale = Float32Array.from(
      changes,
      (row) => row.reduce((max, x) => Math.max(max, Math.abs(x)), 0) / MOST,
    );
    const quants = new Int8Array(rows.length * covered);
    for (const [r, row] of changes.entries())
      for (const [i, value] of row.entries())
        quants[r * covered + i] = scale[r] && Math.round(value / scale[r]);
    tensors.set(name, { dtype: 'I8', shape: [rows.length, covered], data: quants });
    tensors.set(`${name}.scale`, { dtype: 'F32', shape: [rows.length], data: scale });
    const levels = changes.map(rms).sort((a, b) => a - b);
    const digits = (value: number) => Number(value.toPrecision(3));
    sizes[name] = { median: digits(levels[levels.length >> 1]), largest: digits(levels.at(-1)!) };
  }
  writeSafetensors(join(folder, model, 'signatures.safetensors'), tensors);
  const cases = Object.fromEntries(truth.map((one) => [one.id, one.rows.map(({ position }) => position)]));
  writeJson(join(folder, model, 'signatures.json'), { covered, cases, bugs: sizes });
}

/** Whether a golden has signatures. */
export function hasSignatures(model: string, folder: string = GOLDEN_FOLDER): boolean {
  return existsSync(join(folder, model, 'signatures.json'));
}

/** Signatures as far as they are recorded. */
export interface RecordedSignatures {
  /** Each of the cases that are recorded. */
  readonly signatures: readonly Signature[];
  /** Ids of the other cases: no row is recorded, or other rows, or rows of other log-probabilities. */
  readonly unrecorded: readonly string[];
}

/**
 * The recorded signatures of a golden, of some of its cases.
 *
 * @param truth the cases that are judged.
 * @throws FileError, CheckpointError if the files cannot be read.
 */
export function readSignatures(
  model: string,
  truth: readonly ReferenceCase[],
  folder: string = GOLDEN_FOLDER,
): RecordedSignatures {
  const path = join(folder, model, 'signatures.json');
  const parsed = contents.safeParse(readJsonSync(path, FileError, recordingHint(model)));
  if (!parsed.success) {
    throw new FileError(`${path}: ${parsed.error.issues[0].message}: ${recordingHint(model)}`);
  }
  const { covered, cases, bugs } = parsed.data;
  const file = SafetensorsFile.open(join(folder, model, 'signatures.safetensors'));
  try {
    const ids = new Int32Array(file.read('ids').buffer);
    const begins = beginsOf(cases);
    const places = new Map<string, readonly number[]>();
    for (const { id, rows } of truth) {
      const indices = rows.map(({ position }) => cases[id]?.indexOf(position) ?? -1);
      const isRecorded = indices.every((index, i) => {
        const begin = (begins.get(id)! + index) * covered;
        const recorded = ids.subarray(begin, begin + covered);
        return index >= 0 && recorded.every((value, j) => value === rows[i].ids[j]);
      });
      if (isRecorded) {
        places.set(
          id,
          indices.map((index) => begins.get(id)! + index),
        );
      }
    }
    const signatures = Object.keys(bugs).map((name): Signature => {
      const quants = new Int8Array(file.read(name).buffer);
      const scale = new Float32Array(file.read(`${name}.scale`).buffer);
      const rowAt = (r: number) =>
        new Float32Array(quants.subarray(r * covered, (r + 1) * covered)).map((quant) => quant * scale[r]);
      return { name, cases: new Map([...places].map(([id, rows]) => [id, rows.map(rowAt)])) };
    });
    const unrecorded = truth.filter(({ id }) => !places.has(id)).map(({ id }) => id);
    return { signatures, unrecorded };
  } finally {
    file.close();
  }
}

/** How signatures of a golden are recorded, as it follows on what is missing. */
export function recordingHint(model: string): string {
  return `record them: npm run signatures -- ${model}`;
}

/** Where the rows of each case begin in the tensors. */
function beginsOf(cases: Readonly<Record<string, readonly number[]>>): Map<string, number> {
  let end = 0;
  return new Map(
    Object.entries(cases).map(([id, positions]) => {
      const begin = end;
      end += positions.length;
      return [id, begin];
    }),
  );
}
