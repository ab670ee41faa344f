import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Engine } from '../../engine/index.ts';
import { NoAnswerError, NotSupportedError, SubjectError } from '../errors.ts';
import type { Subject } from '../subject.ts';
import { engineSubject } from './engine.ts';

/** Errors that say already that they are the subject's. */
const NAMED = [SubjectError, NoAnswerError, NotSupportedError];

/** The engine that the environment's `SUBJECT`, the path of a module, names; without it, Plumbline's own. */
export async function loadSubject(path: string | undefined = process.env.SUBJECT): Promise<Subject> {
  return path ? await loadModule(path) : engineSubject('plumbline', Engine);
}

/**
 * An engine in this process: a module, `.ts` or `.js`, whose default export is a {@link Subject}.
 *
 * @param path relative to the working directory.
 * @throws SubjectError if the module cannot be imported, or exports something else.
 */
export async function loadModule(path: string): Promise<Subject> {
  const imported: { default?: unknown } = await import(pathToFileURL(resolve(path)).href).catch((cause) => {
    throw new SubjectError(`cannot import ${path}: ${messageOf(cause)}`, { cause });
  });
  const subject = imported.default;
  if (isSubject(subject)) return loadingByName(subject, path);
  const found = subject === undefined ? 'no default export' : `a default export of type ${typeof subject}`;
  throw new SubjectError(
    `${path}: has ${found}; expected a subject, { info: { name }, load(modelDir) }, as verify/subject.ts describes it`,
  );
}

/** The same subject; what its `reach` and `load` throw says whose fault it is. */
function loadingByName(subject: Subject, path: string): Subject {
  const byName = async <T>(modelDir: string, call: () => Promise<T>): Promise<T> => {
    try {
      return await call();
    } catch (cause) {
      if (NAMED.some((kind) => cause instanceof kind)) throw cause;
      const what = modelDir === '' ? 'without --model' : modelDir;
      throw new SubjectError(`${path}: cannot load ${what}: ${messageOf(cause)}`, { cause });
    }
  };
  return {
    get info() {
      return subject.info;
    },
    ...(subject.reach ? { reach: (modelDir) => byName(modelDir, () => subject.reach!(modelDir)) } : {}),
    load: (modelDir) => byName(modelDir, () => subject.load(modelDir)),
  };
}

function isSubject(value: unknown): value is Subject {
  if (typeof value !== 'object' || value === null) return false;
  const { info, load } = value as Partial<Subject>;
  return typeof info?.name === 'string' && typeof load === 'function';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
