import { sequenceOf, type VerifyCase } from '../golden/verify-case.ts';
import type { AskedCase } from './ask/ask-cases.ts';
import type { Check } from './checks.ts';
import type { FirstAnswer } from './consistency/checks.ts';
import type { Judgement, SubjectCase } from './judge/judgement.ts';
import { bugTitle } from './signatures/bugs.ts';
import type { SubjectModel } from './subject.ts';
import type { Verdict } from './verdict.ts';

/** Forms that answers take on their way from one question to the next. */

/** Answers as the judge takes them; cases without scores and without tokens are left out. */
export function subjectCases(asked: readonly AskedCase[], checks: readonly Check[]): SubjectCase[] {
  const withScores = checks.includes('precision') || checks.includes('bugs');
  return asked.flatMap(({ case: { id, positions, refusal }, forward, generated }): SubjectCase[] => {
    if (refusal !== undefined) return [];
    const scored = withScores && forward.kind === 'result' ? forward.value.rows : [];
    const rows = scored.map((row, i) => ({ position: positions[i], ...row }));
    const answer = checks.includes('greedy') && generated.kind === 'result' ? generated.value : undefined;
    if (rows.length === 0 && !answer) return [];
    if (!answer) return [{ id, rows }];
    const { tokens: greedy, scores: greedyRows } = answer;
    return [{ id, rows, greedy, ...(withScores && greedyRows ? { greedyRows } : {}) }];
  });
}

/** Positions that the subject could not be asked for, a line for each case. */
export function unreachedOf(asked: readonly AskedCase[]): Verdict['unchecked'] {
  return asked.flatMap(({ case: { id, positions }, unreached = [] }) => {
    if (unreached.length === 0) return [];
    const of = positions.length + unreached.length;
    const which = unreached.map(({ position }) => position).join(', ');
    return [{ what: `${unreached.length} of ${of} positions of ${id}: ${which}`, why: unreached[0].why }];
  });
}

/** Cases whose numbers are not judged, a line for each. @param isJudged of those that are */
export function tooLongOf(
  cases: readonly Pick<VerifyCase, 'id' | 'refusal'>[],
  isJudged: (id: string) => boolean,
): Verdict['unchecked'] {
  return cases
    .filter(({ id, refusal }) => refusal === undefined && !isJudged(id))
    .map(({ id }) => ({
      what: `numbers of ${id}`,
      why: 'the prompt is too long for the noise of a class to be measured on it',
    }));
}

/** Answers that later ones are compared with. */
export function firstAnswers(asked: readonly AskedCase[]): FirstAnswer[] {
  return asked.flatMap(({ case: each, forward, generated }): FirstAnswer[] => {
    if (each.refusal !== undefined || sequenceOf(each).length < 2) return [];
    return [
      {
        case: each,
        ...(forward.kind === 'result' ? { rows: forward.value.rows } : {}),
        ...(generated.kind === 'result'
          ? { tokens: generated.value.tokens, scores: generated.value.scores }
          : {}),
      },
    ];
  });
}

/** Honest engines change by a few times their noise, in single values. */
const NOISE_FACTOR = 8;
/** Noise of f32, RMS in nats: the smallest that is expected of an engine whose bits change. */
const F32_NOISE = 1e-4;

/** The largest change of a log-probability that the noise of the subject's class explains, in nats. */
export function allowedChange({ precision }: Judgement): number {
  const noise = precision?.classes.find(({ class: name }) => name === precision.class)?.noise ?? 0;
  return NOISE_FACTOR * Math.max(F32_NOISE, Number.isFinite(noise) ? noise : 0);
}

/** A run that was stopped before its end. */
export interface StoppedRun {
  readonly reason: string;
  /** Ids of the cases that were not asked to the end. */
  readonly notAsked: readonly string[];
}

const STOPPED = 'the run was stopped before';

/** Where a run was stopped. @param reason of the signal. */
export function stoppedRun(
  reason: unknown,
  cases: readonly { readonly id: string }[],
  asked: readonly AskedCase[],
): StoppedRun {
  const done = new Set(asked.map((each) => each.case.id));
  const notAsked = cases.filter(({ id }) => !done.has(id)).map(({ id }) => id);
  const why = reason instanceof Error ? reason.message : String(reason);
  return { reason: `stopped after ${done.size} of ${cases.length} cases: ${why}`, notAsked };
}

/** The parts of a verdict that are the judge's figures: what is not finite becomes null. */
export function numbersOf(
  judgement: Judgement,
): Pick<Verdict, 'precision' | 'bugs' | 'greedy' | 'power' | 'compared'> {
  const { precision, bugs, greedy, power, compared } = judgement;
  const { worst } = greedy;
  return {
    precision: precision
      ? {
          class: precision.class,
          ratio: finite(precision.ratio),
          ...(precision.demanded ? { demanded: precision.demanded } : {}),
          classes: precision.classes.map(({ class: name, ratio, noise, holds, judgeable }) => ({
            class: name,
            ratio: finite(ratio),
            noise: finite(noise),
            ...{ holds, judgeable },
          })),
          exceptions: precision.exceptions.map((each) => ({ ...each, ratio: finite(each.ratio) })),
        }
      : { class: null, ratio: null, classes: [], exceptions: [] },
    bugs: bugs.map(({ name, verdict, coefficient, standardError }) => ({
      ...{ name, title: bugTitle(name) ?? name, verdict },
      coefficient: finite(coefficient),
      standardError: finite(standardError),
    })),
    greedy: {
      ...{ verdict: greedy.verdict, tokens: greedy.tokens, ties: greedy.ties },
      ...(greedy.rows ? { rows: { ...greedy.rows, ratio: finite(greedy.rows.ratio) } } : {}),
      ...(worst ? { worst: { ...worst, regret: finite(worst.regret), allowed: finite(worst.allowed) } } : {}),
    },
    power: { ...power, missed: [...power.missed] },
    compared,
  };
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

/** What {@link uncheckedOf} takes. */
export interface UncheckedOptions {
  readonly checks: readonly Check[];
  readonly judgement: Judgement;
  readonly prompt: Verdict['prompt'];
  readonly hasText: boolean;
  /** Where the run was stopped; absent if it came to its end. */
  readonly stopped?: StoppedRun;
}

/** What was not asked, or could not be, with the reason. */
export function uncheckedOf(
  { capabilities }: SubjectModel,
  { checks, judgement, prompt, hasText, stopped }: UncheckedOptions,
): Verdict['unchecked'] {
  const unchecked: Verdict['unchecked'] = [];
  const note = (what: string, why: string) => unchecked.push({ what, why });
  // What an engine could not be asked is not known before it was asked everything.
  const lacks = (what: string, why: string) => note(what, stopped ? STOPPED : why);
  const chosen = (check: Check) => checks.includes(check);
  if (!chosen('prompt')) note('prompt', '--checks leaves it out');
  else if (!hasText) note('prompt', 'all cases are ids: the model has no prompts that are texts');
  else if (prompt.cases.length === 0) lacks('prompt', 'the subject cannot be asked for the ids of a text');
  else if (!capabilities.tokenize) note('which ids prompts become', 'the subject says their number alone');
  for (const [cause, cases] of unknownPrompts(prompt)) {
    const ids = cases.map(({ id }) => id).join(', ');
    note(`${cases.length === 1 ? 'prompt' : `${cases.length} prompts:`} ${ids}`, cause);
  }
  if (!chosen('precision')) note('precision', '--checks leaves it out');
  else if (!judgement.precision) lacks('precision', 'the subject gave no scores');
  else if (capabilities.scores === 'top')
    note('the whole vocabulary', 'the subject shows its likeliest tokens alone');
  const about = judgement.precision?.classes.find((each) => each.class === judgement.precision?.about);
  if (about && !about.judgeable) {
    const noise = about.noise.toPrecision(2);
    note(
      `precision ${about.class}`,
      `its noise on this model is ${noise} nats: a broken engine can look the same`,
    );
  }
  if (!capabilities.hidden) note('hidden states', 'the subject does not give them');
  if (!chosen('bugs')) note('known bugs', '--checks leaves it out');
  else if (judgement.bugs.length === 0) lacks('known bugs', 'no signatures, or no scores to hold to them');
  if (!chosen('greedy')) note('greedy tokens', '--checks leaves it out');
  else if (judgement.greedy.verdict === 'not checked') lacks('greedy tokens', 'the subject gave none');
  if (!chosen('consistency')) note('consistency', '--checks leaves it out');
  else if (stopped) note('consistency', STOPPED);
  if (stopped && stopped.notAsked.length > 0) {
    const { notAsked } = stopped;
    note(`${notAsked.length} ${notAsked.length === 1 ? 'case' : 'cases'}: ${notAsked.join(', ')}`, STOPPED);
  }
  return unchecked;
}

/** Prompts that were asked about without an answer that tells, by the reason. */
function unknownPrompts({ cases }: Verdict['prompt']): Map<string, Verdict['prompt']['cases']> {
  const unknown = cases.filter(({ verdict }) => verdict === 'unknown');
  return Map.groupBy(unknown, ({ cause = 'the subject did not say' }) => cause);
}
