import { OptionError } from '../errors.ts';
import { checkBoolean, checkFunction, checkNames } from '../options.ts';
import type { ForwardOptions } from './requests.ts';

/** {@link ForwardOptions}, complete. */
export type CompleteForwardOptions = ForwardOptions & Required<Pick<ForwardOptions, 'positions' | 'hidden'>>;

/** Their names. */
const FORWARD_OPTIONS: Readonly<Record<keyof ForwardOptions, true>> = Object.freeze({
  positions: true,
  hidden: true,
  observe: true,
});

/**
 * Checks the options of a forward pass, and completes the positions.
 *
 * @param length positions of the prompt.
 * @throws OptionError if an option is unknown or has the wrong type, or a position is not one of the
 * prompt's.
 */
export function completeForwardOptions(options: ForwardOptions, length: number): CompleteForwardOptions {
  checkNames('options', options, FORWARD_OPTIONS);
  const { positions = Array.from({ length }, (_, i) => i), hidden = false, observe } = options;
  checkPositions(positions, length);
  checkBoolean('hidden', hidden);
  if (observe !== undefined) checkFunction('observe', observe);
  return { positions, hidden, observe };
}

/**
 * @throws OptionError unless the positions are some of a prompt's, in ascending order.
 * @param length of the prompt.
 */
function checkPositions(positions: readonly number[], length: number): void {
  if (!Array.isArray(positions)) throw new OptionError('positions', positions, 'an array of positions');
  for (const [i, position] of positions.entries()) {
    const least = i === 0 ? 0 : positions[i - 1] + 1;
    if (Number.isInteger(position) && position >= least && position < length) continue;
    throw new OptionError(
      `positions[${i}]`,
      position,
      `ascending positions of the prompt, whole numbers from 0 to ${length - 1}`,
    );
  }
}
