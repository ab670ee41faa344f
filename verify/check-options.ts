import { OptionError } from '../engine/errors.ts';
import { checkCount, checkFunction, checkObject } from '../engine/options.ts';
import { promptsSchema } from '../golden/schema.ts';
import { CHECKS } from './checks.ts';
import { PRECISION_CLASSES } from './precision.ts';

/**
 * Checks the options of `verify`, as callers without TypeScript may give them.
 *
 * @throws OptionError that names the option.
 */
export function checkVerifyOptions(options: object): void {
  checkObject('options', options);
  const given = options as Record<string, unknown>;
  const { subject, adapter, model, cases, knownFailing, precision, checks, concurrency } = given;
  checkObject('subject', subject);
  const { info, load } = subject as Record<string, unknown>;
  checkObject('subject.info', info);
  checkFunction('subject.load', load);
  if (typeof adapter !== 'string') throw new OptionError('adapter', adapter, 'a text');
  checkModel(model);
  checkObject('cases', cases);
  const { cases: list } = cases as Record<string, unknown>;
  if (!Array.isArray(list)) throw new OptionError('cases.cases', list, 'an array, as loadCases returns it');
  if (knownFailing !== undefined && !(knownFailing instanceof Set)) {
    throw new OptionError('knownFailing', knownFailing, 'a Set of case ids');
  }
  if (precision !== undefined) checkOneOf('precision', precision, PRECISION_CLASSES);
  if (checks !== undefined) {
    if (!Array.isArray(checks)) throw new OptionError('checks', checks, 'an array');
    for (const [i, check] of checks.entries()) checkOneOf(`checks[${i}]`, check, CHECKS);
  }
  if (concurrency !== undefined) checkCount('concurrency', concurrency);
  checkRun(given);
}

/**
 * Checks what `loadCases` takes.
 *
 * @throws OptionError that names the option.
 */
export function checkLoadCases(model: unknown, options: object): void {
  checkModel(model);
  checkObject('options', options);
  const given = options as Record<string, unknown>;
  const { prompts, run, skip } = given;
  if (prompts !== undefined && !promptsSchema.safeParse(prompts).success) {
    throw new OptionError('prompts', prompts, 'the form of golden/prompts.json');
  }
  for (const [name, patterns] of Object.entries({ run, skip })) {
    if (patterns === undefined) continue;
    const isList = Array.isArray(patterns) && patterns.every((pattern) => typeof pattern === 'string');
    if (!isList) throw new OptionError(name, patterns, 'an array of patterns of case ids');
  }
  checkRun(given);
}

function checkModel(model: unknown): void {
  checkObject('model', model);
  const { name, modelDir } = model as Record<string, unknown>;
  for (const [key, value] of Object.entries({ name, modelDir })) {
    if (typeof value !== 'string') throw new OptionError(`model.${key}`, value, 'a text');
  }
}

function checkRun({ signal, onProgress }: Readonly<Record<string, unknown>>): void {
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new OptionError('signal', signal, 'an AbortSignal');
  }
  if (onProgress !== undefined) checkFunction('onProgress', onProgress);
}

function checkOneOf(option: string, value: unknown, names: readonly unknown[]): void {
  if (!names.includes(value)) throw new OptionError(option, value, `one of ${names.join(', ')}`);
}
