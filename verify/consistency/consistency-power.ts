import type { PowerVerdict } from '../judge/judgement.ts';
import { type Change, changeOf, continuationChange } from './change.ts';
import type { FirstAnswer } from './checks.ts';

/** What an engine may answer when it is asked again. */
interface Fault {
  readonly name: string;
  /** @returns undefined where the answers have nothing that the fault could change. */
  readonly change: (answer: FirstAnswer, others: readonly FirstAnswer[]) => Change | undefined;
}

const FAULTS: readonly Fault[] = [
  {
    name: 'every row is that of the position before',
    change: ({ rows = [], case: { positions } }) =>
      rows.length < 2
        ? undefined
        : changeOf(
            rows,
            rows.map((_, i) => rows[Math.max(0, i - 1)]),
            positions,
          ),
  },
  {
    name: 'the last row is that of another prompt',
    change({ rows = [], case: { positions } }, others) {
      const other = others.find((one) => one.rows && one.rows.length > 0)?.rows?.at(-1);
      return rows.length === 0 || !other ? undefined : changeOf(rows, rows.with(-1, other), positions);
    },
  },
  {
    name: 'a continuation begins one token late',
    change: ({ tokens = [], scores, case: { promptIds } }) =>
      new Set(tokens).size < 2
        ? undefined
        : continuationChange({ tokens, scores }, { tokens: tokens.slice(1) }, promptIds.length),
  },
];

/**
 * Puts faults into a subject's own answers, as if they had come when it was asked again: each must be more
 * than is allowed, in one answer at least.
 *
 * @param allowed largest change of a log-probability that is no fault, in nats.
 */
export function consistencyPower(first: readonly FirstAnswer[], allowed: number): PowerVerdict {
  const missed: string[] = [];
  let of = 0;
  for (const { name, change } of FAULTS) {
    const changes = first.flatMap(
      (answer) =>
        change(
          answer,
          first.filter((one) => one !== answer),
        ) ?? [],
    );
    if (changes.length === 0) continue;
    of++;
    if (!changes.some(({ largest }) => largest > allowed)) missed.push(name);
  }
  return { refused: of - missed.length, of, missed };
}
