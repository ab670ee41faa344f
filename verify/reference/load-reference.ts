import { existsSync } from 'node:fs';
import { readModelConfig } from '../../engine/checkpoint/read-config.ts';
import { sequenceOf, type VerifyCase } from '../../golden/verify-case.ts';
import type { StoredGoldens } from '../compare/stored-goldens.ts';
import type { Reference, Signature } from '../judge/judgement.ts';
import { keep } from '../kept/keep.ts';
import { keptPath } from '../kept/kept-path.ts';
import { bugsOf } from '../signatures/bugs.ts';
import { computeSignatures } from '../signatures/compute.ts';
import { hasSignatures, readSignatures, recordingHint } from '../signatures/store.ts';
import { goldenCases } from './golden-cases.ts';
import { computeReference } from './reference.ts';
import { readReference, writeReference } from './reference-file.ts';
import type { RowsCase } from './rows.ts';

export interface LoadReferenceOptions {
  /** Whether signatures of known bugs are wanted. */
  readonly withSignatures: boolean;
  /** The goldens of the cases, whose signatures are recorded. Default: none, and signatures are computed. */
  readonly golden?: StoredGoldens;
  /** Where references are kept. Default: the project's cache. */
  readonly folder?: string;
  /** Ends the computation between two cases. */
  readonly signal?: AbortSignal;
  /** Called with what is computed next; not called if the reference was kept. */
  readonly onProgress?: (what: string) => void;
}

/** A reference, and which bugs cannot be looked for because their signatures are not recorded. */
export interface LoadedReference extends Reference {
  readonly unchecked: readonly { readonly what: string; readonly why: string }[];
}

/**
 * What is right about a model on some cases: computed once by our engine, and kept by the hash of the
 * model's configuration and weights, the cases, and the modules that compute it.
 *
 * @param cases those without positions are left out, and those of stored goldens whose prompts are very
 * long.
 * @throws ConfigError, CheckpointError, KernelError as loading the model does; FileError if it cannot be
 * kept; the reason of `signal` if it is aborted.
 */
export async function loadReference(
  modelDir: string,
  cases: readonly VerifyCase[],
  options: LoadReferenceOptions,
): Promise<LoadedReference> {
  const { withSignatures, golden } = options;
  const recordedIds = golden && new Set(goldenCases(golden.name, golden.folder).map(({ id }) => id));
  const rowsCases = cases
    .filter(({ id, positions }) => positions.length > 0 && (recordedIds?.has(id) ?? true))
    .map(
      (each): RowsCase => ({
        id: each.id,
        ids: sequenceOf(each),
        promptLength: each.promptIds.length,
        positions: each.positions,
      }),
    );
  const recorded = golden !== undefined && hasSignatures(golden.name, golden.folder);
  const computes = withSignatures && !recorded;
  const config = await readModelConfig(modelDir);
  const kept = {
    ...(await keptReference(modelDir, rowsCases, { ...options, withSignatures: computes })),
    hasRouter: config.moe !== undefined,
  };
  if (!withSignatures) return { ...kept, signatures: [], unchecked: [] };
  if (!recorded) return { ...kept, unchecked: [] };
  const { signatures, unrecorded } = readSignatures(golden.name, kept.cases, golden.folder);
  const known = new Set(signatures.map(({ name }) => name));
  const unknown = bugsOf(config).filter(({ name }) => !known.has(name));
  const missing = [
    ...(unrecorded.length > 0 ? [{ what: `known bugs in ${unrecorded.join(', ')}`, of: 'these cases' }] : []),
    ...(unknown.length > 0
      ? [{ what: `known bugs ${unknown.map(({ name }) => name).join(', ')}`, of: 'these bugs' }]
      : []),
  ];
  const unchecked = missing.map(({ what, of }) => ({
    what,
    why: `the signatures of ${of} are not recorded; ${recordingHint(golden.name)}`,
  }));
  return { ...kept, signatures, unchecked };
}

async function keptReference(
  modelDir: string,
  cases: readonly RowsCase[],
  { withSignatures, folder, signal, onProgress = () => {} }: LoadReferenceOptions,
): Promise<Reference> {
  const path = await keptPath({
    ...{ modelDir, question: { withSignatures, cases }, extension: '.safetensors', folder, signal },
    onRead: (file) => onProgress(`hash of ${file}`),
  });
  if (existsSync(path)) return readReference(path);
  const reference = await computeReference(modelDir, cases, { signal, onProgress });
  const signatures: readonly Signature[] = withSignatures
    ? await computeSignatures(modelDir, reference.cases, {
        signal,
        onProgress: (bug) => onProgress(`signature of ${bug}`),
      })
    : [];
  keep(path, () => writeReference(path, { ...reference, signatures }));
  return { ...reference, signatures };
}
