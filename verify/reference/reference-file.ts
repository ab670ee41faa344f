import { z } from 'zod';
import { SafetensorsFile } from '../../engine/checkpoint/safetensors.ts';
import { type TensorData, writeSafetensors } from '../../engine/checkpoint/safetensors-writer.ts';
import { FileError } from '../../engine/errors.ts';
import type { Reference, ReferenceCase, ReferenceRow, Signature } from '../judge/judgement.ts';

/**
 * A reference in a file. Tensors by case, rows in the order of its positions: `<case>.ids` I32 [rows, m],
 * `<case>.truth` F32 [rows, m], `<case>.imitation.<i>` F32 [rows, m], `<case>.signature.<i>` F32 [rows, k].
 * The rest is JSON in the metadata.
 */
const metadata = z.object({
  cases: z.array(
    z.object({
      id: z.string(),
      ids: z.array(z.int()),
      promptLength: z.int(),
      positions: z.array(z.int()),
    }),
  ),
  imitations: z.array(
    z.object({
      precision: z.enum(['f32', 'f16', 'bf16', '8bit', '4bit']),
      name: z.string(),
      isDraw: z.boolean(),
    }),
  ),
  signatures: z.array(z.string()),
});

/** @throws FileError if the file cannot be written; no half of it is left. */
export function writeReference(path: string, { cases, imitations, signatures }: Reference): void {
  const tensors = new Map<string, TensorData>();
  const put = (name: string, rows: readonly (Int32Array | Float32Array)[]) => {
    const width = rows[0]?.length ?? 0;
    const isIds = rows[0] instanceof Int32Array;
    const data = isIds ? new Int32Array(rows.length * width) : new Float32Array(rows.length * width);
    for (const [i, row] of rows.entries()) data.set(row, i * width);
    tensors.set(name, { dtype: isIds ? 'I32' : 'F32', shape: [rows.length, width], data });
  };
  for (const { id, rows } of cases) {
    put(
      `${id}.ids`,
      rows.map(({ ids }) => ids),
    );
    put(
      `${id}.truth`,
      rows.map(({ truth }) => truth),
    );
    for (const [i, imitation] of imitations.entries()) put(`${id}.imitation.${i}`, imitation.cases.get(id)!);
    for (const [i, signature] of signatures.entries()) put(`${id}.signature.${i}`, signature.cases.get(id)!);
  }
  const described: z.infer<typeof metadata> = {
    cases: cases.map(({ id, ids, promptLength, rows }) => ({
      ...{ id, ids: [...ids], promptLength },
      positions: rows.map(({ position }) => position),
    })),
    imitations: imitations.map(({ precision, name, isDraw }) => ({ precision, name, isDraw })),
    signatures: signatures.map(({ name }) => name),
  };
  writeSafetensors(path, tensors, { reference: JSON.stringify(described) });
}

/** @throws CheckpointError, FileError if the file is malformed. */
export function readReference(path: string): Reference {
  const file = SafetensorsFile.open(path);
  try {
    const { cases, imitations, signatures } = readMetadata(path, file.metadata.reference);
    const rowsOf = <T extends Int32Array | Float32Array>(
      name: string,
      View: new (buffer: ArrayBuffer) => T,
    ): T[] => {
      const shape = file.tensors.get(name)?.shape;
      if (!shape) throw new FileError(`${path} lacks the tensor "${name}"; remove the file`);
      const values = new View(file.read(name).slice().buffer as ArrayBuffer);
      const [count, width] = shape;
      return Array.from({ length: count }, (_, i) => values.subarray(i * width, (i + 1) * width) as T);
    };
    const byCase = (suffix: string) =>
      new Map(cases.map(({ id }) => [id, rowsOf(`${id}.${suffix}`, Float32Array)]));
    return {
      cases: cases.map(({ id, ids, promptLength, positions }): ReferenceCase => {
        const rowIds = rowsOf(`${id}.ids`, Int32Array);
        const truth = rowsOf(`${id}.truth`, Float32Array);
        const rowAt = (position: number, i: number): ReferenceRow => ({
          position,
          ids: rowIds[i],
          truth: truth[i],
        });
        return { id, ids, promptLength, rows: positions.map(rowAt) };
      }),
      imitations: imitations.map((each, i) => ({ ...each, cases: byCase(`imitation.${i}`) })),
      signatures: signatures.map((name, i): Signature => ({ name, cases: byCase(`signature.${i}`) })),
    };
  } finally {
    file.close();
  }
}

function readMetadata(path: string, text = 'null'): z.infer<typeof metadata> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new FileError(`${path} has malformed metadata; remove the file`, { cause });
  }
  const parsed = metadata.safeParse(json);
  if (!parsed.success) throw new FileError(`${path} is no reference of this version; remove the file`);
  return parsed.data;
}
