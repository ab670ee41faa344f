import { UsageError } from '../engine/errors.ts';
import type { PrecisionClass } from './precision.ts';
import { openSubject, type SubjectFlags } from './subject-flags.ts';
import type { Verdict } from './verdict.ts';

/** Flags of the command that count if consistency alone is checked, and those that choose cases. */
export interface ConsistencyFlags extends SubjectFlags {
  readonly model?: string;
  readonly precision?: PrecisionClass;
  readonly prompts?: string;
  readonly run?: readonly string[];
  readonly skip?: readonly string[];
  readonly knownFailing?: string;
}

export interface ConsistencyAloneOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (text: string) => void;
  readonly onNote: (note: string) => void;
  /** Finds the directory of a fixture, a directory or a hub id. */
  readonly findDir: (name: string) => Promise<string>;
}

/** Whether the checks are such as need no reference. */
export function isConsistencyAlone(checks: readonly string[] | undefined): boolean {
  return checks?.length === 1 && checks[0] === 'consistency';
}

/**
 * Judges an engine's consistency by its flags. A server has its model; any other engine is given `--model` if
 * there is one, as it is.
 *
 * @throws UsageError if the engine cannot be asked again, has no model, or cases are chosen; what
 * `openSubject` throws.
 */
export async function judgeConsistencyAlone(
  flags: ConsistencyFlags,
  { signal, onProgress, onNote, findDir }: ConsistencyAloneOptions,
): Promise<Verdict> {
  const { model, prompts, run, skip, knownFailing, module, command, dump, url } = flags;
  if (dump !== undefined)
    throw new UsageError(
      'leave out --dump; --checks consistency asks the engine again, and files cannot be asked',
    );
  const lost = Object.entries({
    '--prompts': prompts,
    '--run': run,
    '--skip': skip,
    '--known-failing': knownFailing,
  }).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  if (lost.length > 0)
    throw new UsageError(
      `leave out ${lost.join(', ')}: they choose cases, and --checks consistency has prompts of its own`,
    );
  const isOwn = module === undefined && command === undefined && url === undefined;
  if (isOwn && model === undefined)
    throw new UsageError(
      "give the model that Plumbline's own engine loads: --model dense, a directory or a hub id",
    );
  const modelDir = url !== undefined || model === undefined ? '' : await findDir(model);
  const opened = await openSubject(flags, { model: model ?? '', cases: [], signal, onNote });
  try {
    const { verifyConsistency } = await import('./verify-consistency.ts');
    return await verifyConsistency({
      ...{ subject: opened.subject, adapter: opened.adapter, modelDir, signal, onProgress },
      ...{ precision: flags.precision, concurrency: flags.concurrency },
    });
  } finally {
    await opened.close();
  }
}
