import { InvalidArgumentError } from 'commander';
import { MAX_TIMER_MS } from '../options.ts';

/** Parsers of flag values; commander adds the flag's name to their messages. */

/** @throws InvalidArgumentError unless the text is a whole number, 1 or more. */
export function positiveWholeNumber(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value > 0 && Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError('It must be a positive whole number.');
}

/** @throws InvalidArgumentError unless the text is a whole number, 0 or more. */
export function wholeNumber(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError('It must be a whole number, 0 or more.');
}

/**
 * Ranges are checked where the number is used.
 *
 * @throws InvalidArgumentError unless the text is a finite number.
 */
export function decimal(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value)) return value;
  throw new InvalidArgumentError('It must be a number.');
}

/** @throws InvalidArgumentError unless the text is a port, 0 to 65,535. */
export function portNumber(text: string): number {
  const value = wholeNumber(text);
  if (value <= 65_535) return value;
  throw new InvalidArgumentError('It must be a port, 0 to 65535.');
}

/**
 * @returns milliseconds.
 * @throws InvalidArgumentError unless the text is a number of seconds that Node's timers take, 0 or more.
 */
export function seconds(text: string): number {
  const ms = Math.round(1000 * decimal(text));
  if (ms >= 0 && ms <= MAX_TIMER_MS) return ms;
  throw new InvalidArgumentError(`It must be a number of seconds, 0 to ${Math.floor(MAX_TIMER_MS / 1000)}.`);
}

/** A parser of a flag that may be given several times. @param parse of one value. */
export function repeatable<T>(parse: (text: string) => T): (text: string, before?: readonly T[]) => T[] {
  return (text, before = []) => [...before, parse(text)];
}

/**
 * `ID:BIAS`, several times.
 *
 * @throws InvalidArgumentError if it is malformed, or the id has a bias already.
 */
export function logitBias(
  text: string,
  before: Readonly<Record<number, number>> = {},
): Record<number, number> {
  const [, id, bias] = /^(\d+):(.+)$/.exec(text) ?? [];
  if (id === undefined) throw new InvalidArgumentError('It must be ID:BIAS, such as 42:-100.');
  const key = wholeNumber(id);
  if (key in before) throw new InvalidArgumentError(`Token ${key} has a bias already.`);
  return { ...before, [key]: decimal(bias) };
}
