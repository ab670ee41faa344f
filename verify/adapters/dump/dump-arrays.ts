import { join } from 'node:path';
import type { DumpCase } from '../../../golden/dump-layout.ts';
import { SubjectError } from '../../errors.ts';
import { type ArrayFile, openArrayFile, tensorNames } from '../../protocol/array-file.ts';
import { checkShape } from '../../protocol/wire-array.ts';

/** The arrays of a case, each a tensor or a file of its own. */
const ARRAYS = ['logits', 'ids', 'logprobs', 'hidden'] as const;
type ArrayName = (typeof ARRAYS)[number];

/** What the engine wrote of one case, not yet read. */
export type DumpArrays = Readonly<Partial<Record<ArrayName, ArrayFile>>>;

export interface DumpSizes {
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly numHiddenLayers: number;
}

/** The names that the array files of a case may have. */
export function arrayFileNames(id: string): string[] {
  return [`${id}.safetensors`, ...ARRAYS.map((name) => npyName(id, name))];
}

function npyName(id: string, name: ArrayName): string {
  return name === 'logits' ? `${id}.npy` : `${id}.${name}.npy`;
}

/**
 * Opens the arrays of a case and checks their shapes.
 *
 * @param files the names of the files that are there.
 * @returns none if the case has no array.
 * @throws SubjectError if an array is there twice, has another name or shape, or ids and log-probabilities
 * are not together.
 */
export function openDumpArrays(
  folder: string,
  { id, forward }: DumpCase,
  files: ReadonlySet<string>,
  { vocabSize, hiddenSize, numHiddenLayers }: DumpSizes,
): DumpArrays {
  const found = new Map<string, ArrayFile>();
  const tensors = `${id}.safetensors`;
  if (files.has(tensors)) {
    const path = join(folder, tensors);
    for (const name of tensorNames(path)) found.set(name, openArrayFile(path, name));
  }
  for (const name of ARRAYS) {
    const file = npyName(id, name);
    if (!files.has(file)) continue;
    if (found.has(name)) throw new SubjectError(`${join(folder, file)}: ${name} is in ${tensors} too`);
    found.set(name, openArrayFile(join(folder, file)));
  }
  const where = join(folder, id);
  const strange = [...found.keys()].filter((name) => !ARRAYS.some((known) => known === name));
  if (strange.length > 0) {
    throw new SubjectError(`${where}: has ${strange.join(', ')}; expected ${ARRAYS.join(', ')}`);
  }
  if (found.size > 0 && !forward) {
    throw new SubjectError(`${where}: has ${[...found.keys()].join(', ')}; no scores are asked for`);
  }
  if (found.has('ids') !== found.has('logprobs') || (found.has('ids') && found.has('logits'))) {
    throw new SubjectError(
      `${where}: has ${[...found.keys()].join(', ')}; expected logits, or ids and logprobs`,
    );
  }
  const rows = forward?.positions.length ?? 0;
  const [, n] = found.get('ids')?.shape ?? [];
  const expected = {
    logits: [rows, vocabSize],
    ids: [rows, 'n'],
    logprobs: [rows, n],
    hidden: [numHiddenLayers + 2, forward?.ids.length ?? 0, hiddenSize],
  };
  for (const name of ARRAYS) {
    const array = found.get(name);
    if (array) checkShape(`${where}: ${name}`, array.shape, expected[name]);
  }
  return Object.fromEntries(found);
}
