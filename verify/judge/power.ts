import type { PrecisionClass } from '../precision.ts';
import { isRight } from './assess.ts';
import { FAULTS } from './faults.ts';
import type { PowerVerdict, Reference, SubjectCase } from './judgement.ts';

/**
 * Puts faults into the subject's own answers; each must be refused.
 *
 * @param precision the class that the answers are in without the fault.
 */
export function judgePower(
  subject: readonly SubjectCase[],
  reference: Reference,
  precision: PrecisionClass,
): PowerVerdict {
  const own = { ...reference, imitations: reference.imitations.filter((one) => one.precision === precision) };
  const missed: string[] = [];
  let of = 0;
  for (const { name, put } of FAULTS) {
    const faulty = put(subject, reference, precision);
    if (!faulty) continue;
    of++;
    if (isRight(faulty, own, precision)) missed.push(name);
  }
  return { refused: of - missed.length, of, missed };
}
