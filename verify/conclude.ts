import type { AskedCase } from './ask/ask-cases.ts';
import type { Difference } from './compare/difference.ts';
import { consistencyReasons } from './consistency/judge-consistency.ts';
import type { HiddenMap } from './hidden-map.ts';
import type { CaseVerdict, Judgement } from './judge/judgement.ts';
import type { PrecisionClass } from './precision.ts';
import { type ErrorMap, VERDICT_FORMAT, type Verdict, type VerdictCase, versionsHere } from './verdict.ts';

/** Everything that was found out about a subject's answers. */
export interface Findings {
  readonly prompt: Verdict['prompt'];
  readonly asked: readonly AskedCase[];
  /** The judgement of the cases that are not known to fail. */
  readonly judgement: Judgement;
  /** Ids of the cases that are known to fail, and the judgement of them alone; undefined without any. */
  readonly known?: { readonly ids: ReadonlySet<string>; readonly judgement: Judgement };
  /**
   * Where answers part from stored goldens by the rules of f32, by case; empty if there are no goldens, or
   * the subject is in another class.
   */
  readonly differences: ReadonlyMap<string, readonly Difference[]>;
  /** By case; default: the subject gives no hidden states. */
  readonly hidden?: ReadonlyMap<string, HiddenMap>;
  readonly consistency: Verdict['consistency'];
  readonly unchecked: Verdict['unchecked'];
  /** Why and where the run was stopped; absent if it came to its end. */
  readonly stopped?: string;
}

/** What is concluded from the findings. */
export type Conclusion = Pick<Verdict, 'verdict' | 'reasons' | 'cases' | 'unchecked'>;

/**
 * Concludes from all questions together. Numbers are not worth comparing while prompts differ, so reasons
 * come in the order of the questions. Nothing compared, or an injected fault that was let pass, is never
 * "right". A run that was stopped is "unknown", with the reasons that were found until then.
 */
export function conclude(findings: Findings): Conclusion {
  const { prompt, asked, judgement, known, consistency, stopped } = findings;
  const judged = new Map(judgement.cases.map((each) => [each.id, each]));
  const knownCases = new Map(
    (known?.judgement.cases ?? []).filter(({ id }) => known?.ids.has(id)).map((each) => [each.id, each]),
  );
  const cases = asked.map((each) =>
    verdictOfCase(each, knownCases.get(each.case.id) ?? judged.get(each.case.id), findings),
  );
  const counted = cases.filter(({ id }) => !knownCases.has(id));
  const stale = cases.filter(({ id, verdict }) => knownCases.has(id) && verdict === 'right');
  const strict = counted.filter(({ id }) => findings.differences.get(id)?.length);
  const broken = counted.filter(({ outcome }) => outcome === 'error');
  const served = counted.filter(
    ({ outcome, verdict, first }) => outcome === 'result' && verdict === 'wrong' && !first,
  );
  const silent = counted.filter(({ outcome }) => outcome === 'no answer');
  const { wrong: changing, unknown: unanswered } = consistencyReasons(consistency);
  const wrong = [
    ...prompt.cases
      .filter((each) => each.verdict === 'wrong')
      .slice(0, 1)
      .map(promptReason(prompt)),
    ...(judgement.verdict === 'wrong' ? judgement.reasons : []),
    ...strict
      .slice(0, 1)
      .map(
        ({ id, first }) =>
          `${id} parts from the goldens at ${first?.what}, position ${first?.position}${more(strict)}`,
      ),
    ...served.slice(0, 1).map(({ id, message }) => `${id}: ${message ?? 'wrong'}${more(served)}`),
    ...broken.slice(0, 1).map(({ message }) => `${message ?? 'an answer is an error'}${more(broken)}`),
    ...changing,
    ...stale.map(({ id }) => `${id} is said to fail and is right: take it out of the known failures`),
  ];
  const unknown = [
    ...silent.slice(0, 1).map(({ message }) => `${message ?? 'no answer'}${more(silent)}`),
    ...unanswered,
    ...(judgement.compared.values === 0 ? ['nothing was compared'] : []),
    ...(judgement.verdict === 'unknown' ? judgement.reasons : []),
    ...judgement.power.missed.map((fault) => `the judge let an injected fault pass: ${fault}`),
  ];
  const verdict = wrong.length > 0 ? 'wrong' : unknown.length > 0 ? 'unknown' : 'right';
  const reasons = [...new Set([...wrong, ...unknown])];
  const { unchecked } = findings;
  if (stopped !== undefined) return { verdict: 'unknown', reasons: [stopped, ...wrong], cases, unchecked };
  return { verdict, reasons, cases, unchecked };
}

/** The parts of a verdict that compare with a reference, where nothing was compared. */
export const NOTHING_COMPARED: Pick<Verdict, 'precision' | 'prompt' | 'bugs' | 'greedy'> = {
  precision: { class: null, ratio: null, classes: [], exceptions: [] },
  prompt: { verdict: 'unknown', cases: [] },
  bugs: [],
  greedy: { verdict: 'not checked', tokens: 0, ties: 0 },
};

/** What is known of a run in which nothing could be asked. */
export type NothingAsked = Pick<Verdict, 'subject' | 'model' | 'reference' | 'unchecked'> & {
  readonly demanded?: PrecisionClass;
  readonly reason: string;
};

/** The verdict on a subject that was asked nothing: it cannot be reached, or the run was stopped before. */
export function concludeNothing({ demanded, reason, ...known }: NothingAsked): Verdict {
  return {
    format: VERDICT_FORMAT,
    ...known,
    verdict: 'unknown',
    reasons: [reason],
    ...NOTHING_COMPARED,
    precision: { ...NOTHING_COMPARED.precision, ...(demanded ? { demanded } : {}) },
    consistency: [],
    power: { refused: 0, of: 0, missed: [] },
    compared: { rows: 0, values: 0 },
    cases: [],
    versions: versionsHere(),
  };
}

function more(cases: readonly VerdictCase[]): string {
  return cases.length > 1 ? ` (and ${cases.length - 1} more cases)` : '';
}

function promptReason({ cases }: Verdict['prompt']) {
  const wrong = cases.filter((each) => each.verdict === 'wrong').length;
  return ({ id, cause }: Verdict['prompt']['cases'][number]) =>
    `${wrong} of ${cases.length} prompts do not become HuggingFace's ids (${id}${cause ? `: ${cause}` : ''})`;
}

function verdictOfCase(
  { case: each, forward, generated }: AskedCase,
  judged: CaseVerdict | undefined,
  { differences, hidden }: Pick<Findings, 'differences' | 'hidden'>,
): VerdictCase {
  const { id, refusal } = each;
  if (refusal !== undefined) return verdictOfRefusal(id, refusal, generated);
  const failed = [forward, generated].find(({ kind }) => kind === 'no answer' || kind === 'error');
  const skipped = [forward, generated].every(({ kind }) => kind === 'skipped');
  const outcome = failed?.kind ?? (skipped ? 'skipped' : 'result');
  const message = failed ?? (skipped ? forward : undefined);
  const [strict] = differences.get(id) ?? [];
  const first = strict
    ? { what: strict.what, position: strict.position, got: strict.got, expected: strict.expected }
    : judged?.first && (divergenceOf(hidden?.get(id)) ?? judged.first);
  const map = judged && errorMap(judged, each.positions, hidden?.get(id));
  return {
    id,
    verdict:
      failed?.kind === 'error' || strict
        ? 'wrong'
        : failed || skipped
          ? 'unknown'
          : (judged?.verdict ?? 'unknown'),
    outcome,
    ...(message && 'message' in message ? { message: message.message } : {}),
    ...(first ? { first } : {}),
    ...(map ? { map } : {}),
  };
}

/** A prompt that the reference refuses has to be refused. */
function verdictOfRefusal(id: string, refusal: string, generated: AskedCase['generated']): VerdictCase {
  if (generated.kind === 'result') {
    const message = `a prompt was answered that has to be refused (${refusal})`;
    return { id, verdict: 'wrong', outcome: 'result', message };
  }
  if (generated.kind === 'error')
    return { id, verdict: 'right', outcome: 'result', message: generated.message };
  return { id, verdict: 'unknown', outcome: generated.kind, message: generated.message };
}

/** Where hidden states part, which is before the scores do. */
function divergenceOf(hidden: HiddenMap | undefined): VerdictCase['first'] {
  if (!hidden?.first) return undefined;
  const { stage, position, ratio } = hidden.first;
  return { what: stage, position, got: `${ratio} × the noise`, expected: 'the noise' };
}

/** @param positions those that the hidden states are of */
function errorMap(
  { ratios }: CaseVerdict,
  positions: readonly number[],
  hidden: HiddenMap = { stages: [], ratios: [] },
): ErrorMap | undefined {
  if (ratios.length === 0) return undefined;
  const figure = (ratio = Number.NaN) => (Number.isFinite(ratio) ? ratio : null);
  const columns = ratios.map(({ position }) => positions.indexOf(position));
  return {
    stages: [...hidden.stages, 'log-probabilities'],
    positions: ratios.map(({ position }) => position),
    ratios: [
      ...hidden.ratios.map((row) => columns.map((at) => figure(row[at]))),
      ratios.map(({ ratio }) => figure(ratio)),
    ],
  };
}
