import type { PrecisionClass } from '../precision.ts';
import { type AlignedRow, type Alignment, align } from './align.ts';
import { classNoise } from './class-noise.ts';
import { type GeneratedVerdict, judgeGenerated } from './generated-rows.ts';
import { judgeGreedy, type Regret } from './greedy-verdict.ts';
import type {
  CaseVerdict,
  GreedyVerdict,
  Judgement,
  JudgeOptions,
  PrecisionVerdict,
  Reference,
  SubjectCase,
} from './judgement.ts';
import { HONEST_RATIO, isClassRight, judgePrecision, ratiosOf, worstRatio } from './precision-verdict.ts';
import { median } from './statistics.ts';

/** Everything but the bugs and the power. */
export type Assessment = Omit<Judgement, 'bugs' | 'power'> & {
  readonly rows: readonly AlignedRow[];
  /** The rows that greedy tokens were chosen from. */
  readonly generatedRows: readonly AlignedRow[];
};

/** The class that greedy tokens are judged by if there are no scores to find the class with. */
const DEFAULT_CLASS: PrecisionClass = 'bf16';

export function assess(
  subject: readonly SubjectCase[],
  reference: Reference,
  { precision: demanded }: JudgeOptions,
): Assessment {
  const alignment = align(subject, reference);
  const { rows } = alignment;
  const noise = classNoise(rows, reference);
  const precision = rows.length > 0 ? judgePrecision(rows, noise, demanded) : undefined;
  const about = precision?.about ?? demanded ?? DEFAULT_CLASS;
  const generated = judgeGenerated(subject, reference, about);
  const { regrets, ...tokens } = judgeGreedy(subject, reference, about);
  const greedy = withRows(tokens, generated);
  const problems = [...alignment.problems, ...generated.problems];
  const ratios = precision ? ratiosOf(rows, noise.noise.get(about)!) : [];
  const reasons = [
    ...problems.slice(0, 1).map(({ case: id, position, got, expected }) => {
      const others = problems.length > 1 ? `, and ${problems.length - 1} more such rows` : '';
      return `${id}, position ${position}: got ${got}, expected ${expected}${others}`;
    }),
    ...(precision ? precisionReasons(precision) : []),
    ...greedyReasons(regrets),
    ...generated.reasons,
  ];
  const all = [...rows, ...generated.rows];
  const compared = { rows: all.length, values: all.reduce((sum, { error }) => sum + error.length, 0) };
  const nothing = compared.rows === 0 && greedy.tokens === 0;
  return {
    verdict: reasons.length > 0 ? 'wrong' : nothing ? 'unknown' : 'right',
    reasons: nothing && reasons.length === 0 ? ['nothing was compared'] : reasons,
    ...(precision ? { precision } : {}),
    greedy,
    compared,
    cases: reference.cases.map(({ id }) =>
      caseVerdict(id, { alignment: { rows, problems }, ratios, regrets, about, subject, reference }),
    ),
    rows,
    generatedRows: generated.rows,
  };
}

/** The verdict on greedy tokens and on the rows that they were chosen from. */
function withRows(
  tokens: GreedyVerdict,
  { rows, problems, ratio, reasons }: GeneratedVerdict,
): GreedyVerdict {
  const isWrong = problems.length > 0 || reasons.length > 0;
  return {
    ...tokens,
    ...(isWrong ? { verdict: 'wrong' } : {}),
    ...(ratio === undefined ? {} : { rows: { compared: rows.length, ratio } }),
  };
}

/** Whether {@link assess} would find the subject right in the class demanded; ends at the first reason. */
export function isRight(
  subject: readonly SubjectCase[],
  reference: Reference,
  precision: PrecisionClass,
): boolean {
  const { rows, problems } = align(subject, reference);
  if (problems.length > 0) return false;
  if (rows.length > 0) {
    const verdict = judgePrecision(rows, classNoise(rows, reference), precision);
    if (precisionReasons(verdict).length > 0) return false;
  }
  const generated = judgeGenerated(subject, reference, precision);
  if (generated.problems.length > 0 || generated.reasons.length > 0) return false;
  const { verdict, tokens } = judgeGreedy(subject, reference, precision);
  return verdict !== 'wrong' && (rows.length > 0 || tokens > 0);
}

function precisionReasons({
  class: found,
  ratio,
  about,
  demanded,
  classes,
  exceptions,
}: PrecisionVerdict): string[] {
  if (isClassRight({ class: found, demanded, classes })) return [];
  const times = (value: number) => `${value.toPrecision(2)} times the noise of ${about}`;
  const local = exceptions.map(
    ({ case: id, firstPosition, lastPosition, ratio: there }) =>
      `${id}: from position ${firstPosition} to ${lastPosition}, errors are ${times(there)}`,
  );
  const whole = ratio > HONEST_RATIO[about] || local.length === 0;
  return whole ? [`errors are ${times(ratio)}`, ...local] : local;
}

function greedyReasons(regrets: readonly Regret[]): string[] {
  return regrets
    .filter(({ regret, allowed }) => regret > allowed)
    .map(
      ({ case: id, position, got, expected, regret, allowed }) =>
        `${id}, after position ${position}: greedy token ${got}, expected ${expected}; ` +
        `${regret.toPrecision(2)} nats less likely, where noise explains ${allowed.toPrecision(2)}`,
    );
}

interface CaseContext {
  readonly alignment: Alignment;
  readonly ratios: readonly number[];
  readonly regrets: readonly Regret[];
  readonly about: PrecisionClass;
  readonly subject: readonly SubjectCase[];
  readonly reference: Reference;
}

function caseVerdict(
  id: string,
  { alignment, ratios, regrets, about, subject, reference }: CaseContext,
): CaseVerdict {
  const { rows, problems } = alignment;
  const own = [...rows.keys()]
    .filter((r) => rows[r].case === id)
    .sort((a, b) => rows[a].position - rows[b].position);
  const places = own.map((r) => ({ position: rows[r].position, ratio: ratios[r] }));
  const problem = problems.find((one) => one.case === id);
  const regret = regrets.find((one) => one.case === id && one.regret > one.allowed);
  const wrongRows = own.filter((r) => ratios[r] > worstRatio(about));
  // One row of a case may be far off in an honest engine, half of them or eight may not.
  const off =
    own.length > 0 && (wrongRows.length >= 8 || median(own.map((r) => ratios[r])) > worstRatio(about));
  const asked = subject.some((one) => one.id === id && (one.rows.length > 0 || one.greedy));
  const base = { id, ratios: places };
  if (problem) {
    const { position, got, expected } = problem;
    return { ...base, verdict: 'wrong', first: { what: 'values', position, got, expected } };
  }
  if (off)
    return { ...base, verdict: 'wrong', first: firstDifference(rows[wrongRows[0] ?? own[0]], reference) };
  if (regret) {
    const { position, got, expected } = regret;
    return {
      ...base,
      verdict: 'wrong',
      first: { what: 'greedy token', position: position + 1, got, expected },
    };
  }
  return { ...base, verdict: asked ? 'right' : 'unknown' };
}

/** The value that is farthest off, of the ids that both know. */
function firstDifference(row: AlignedRow, { cases }: Reference): NonNullable<CaseVerdict['first']> {
  const right = cases.find(({ id }) => id === row.case)!.rows[row.index];
  const known = [...row.at.keys()].filter((i) => row.at[i] >= 0);
  const worst = known.sort((a, b) => Math.abs(row.error[b]) - Math.abs(row.error[a]))[0];
  if (worst === undefined) {
    return { what: 'likeliest token', position: row.position, got: 'another', expected: right.ids[0] };
  }
  const id = right.ids[row.at[worst]];
  const expected = right.truth[row.at[worst]];
  return {
    what: `log-probability of token ${id}`,
    position: row.position,
    got: expected + row.error[worst],
    expected,
  };
}
