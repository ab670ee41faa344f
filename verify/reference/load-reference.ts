import { createHash, type Hash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../../engine/checkpoint/cache-folder.ts';
import { readModelConfig } from '../../engine/index.ts';
import { sequenceOf, type VerifyCase } from '../cases/verify-case.ts';
import type { Reference, Signature } from '../judge/judgement.ts';
import { bugsOf } from '../signatures/bugs.ts';
import { faultyRows } from '../signatures/faulty-rows.ts';
import { computeReference, pick } from './reference.ts';
import { readReference, writeReference } from './reference-file.ts';
import type { RowsCase } from './rows.ts';

/** Raised by every change of what is computed, so that what an older version kept is not used. */
const VERSION = 1;
/** Likeliest tokens of a row whose change by a bug is kept. */
const SIGNATURE_IDS = 24;

export interface LoadReferenceOptions {
  /** Whether signatures of known bugs are wanted, which take most of the time. */
  readonly withSignatures: boolean;
  /** Where references are kept. Default: the project's cache. */
  readonly folder?: string;
  /** Told what is computed next; not called if the reference was kept. */
  readonly onProgress?: (what: string) => void;
}

/**
 * What is right about a model on some cases: computed once by our engine, and kept by the hash of the model's
 * configuration and weights, the cases, and the version of the computation.
 *
 * @throws ConfigError, CheckpointError, KernelError as loading the model does; FileError if it cannot be kept.
 */
export async function loadReference(
  modelDir: string,
  cases: readonly VerifyCase[],
  {
    withSignatures,
    folder = join(cacheFolder(), 'references'),
    onProgress = () => {},
  }: LoadReferenceOptions,
): Promise<Reference> {
  const rowsCases = cases
    .filter(({ refusal }) => refusal === undefined)
    .map((each): RowsCase => ({
      id: each.id,
      ids: sequenceOf(each),
      promptLength: each.promptIds.length,
      positions: each.positions,
    }));
  const hash = createHash('sha256');
  hash.update(JSON.stringify({ VERSION, SIGNATURE_IDS, withSignatures, rowsCases }));
  await hashModel(modelDir, hash);
  const path = join(folder, `${hash.digest('hex').slice(0, 32)}.safetensors`);
  if (existsSync(path)) return readReference(path);
  const reference = await compute(modelDir, rowsCases, withSignatures, onProgress);
  mkdirSync(folder, { recursive: true });
  writeReference(path, reference);
  return reference;
}

async function compute(
  modelDir: string,
  cases: readonly RowsCase[],
  withSignatures: boolean,
  onProgress: (what: string) => void,
): Promise<Reference> {
  const reference = await computeReference(modelDir, cases, { onProgress });
  if (!withSignatures) return reference;
  const rowsOf = new Map(reference.cases.map(({ id, rows }) => [id, rows]));
  const signatures: Signature[] = [];
  for (const bug of bugsOf(await readModelConfig(modelDir))) {
    onProgress(`signature of ${bug.name}`);
    const changes = await faultyRows(modelDir, bug, cases, (logprobs, { id }, i) => {
      const { ids, truth } = rowsOf.get(id)![i];
      return pick(logprobs, ids.subarray(0, SIGNATURE_IDS)).map((value, j) => value - truth[j]);
    });
    signatures.push({ name: bug.name, cases: changes });
  }
  return { ...reference, signatures };
}

async function hashModel(modelDir: string, hash: Hash): Promise<void> {
  const files = readdirSync(modelDir).filter(
    (file) => file === 'config.json' || file.endsWith('.safetensors'),
  );
  for (const file of files.sort()) {
    hash.update(file);
    const stream = createReadStream(join(modelDir, file), { highWaterMark: 2 ** 20 });
    for await (const chunk of stream) hash.update(chunk);
  }
}
