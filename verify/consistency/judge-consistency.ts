import { type Outcome, settle } from '../ask/outcome.ts';
import type { SubjectModel } from '../subject.ts';
import type { Verdict } from '../verdict.ts';
import {
  type AskAgainOptions,
  type CaseChange,
  CONSISTENCY_CHECKS,
  type FirstAnswer,
  SAME_REQUESTS,
} from './checks.ts';

type ConsistencyVerdict = Verdict['consistency'][number];

export interface ConsistencyOptions extends AskAgainOptions {
  /** A change of a log-probability that is the noise of the subject's precision class, in nats. */
  readonly allowed: number;
  readonly onCheck?: (name: string) => void;
}

/** What came of all checks, and why some were not made. */
export interface ConsistencyResult {
  readonly verdicts: readonly ConsistencyVerdict[];
  readonly unchecked: Verdict['unchecked'];
}

/**
 * Asks a subject the same in other ways and compares its answers with the first ones. Needs no reference.
 *
 * @throws the reason of `signal` if it is aborted.
 */
export async function judgeConsistency(
  subject: SubjectModel,
  first: readonly FirstAnswer[],
  { allowed, concurrency, signal, onCheck }: ConsistencyOptions,
): Promise<ConsistencyResult> {
  const verdicts: ConsistencyVerdict[] = [];
  const unchecked: Verdict['unchecked'] = [];
  for (const check of CONSISTENCY_CHECKS) {
    const why = check.unless(subject, { concurrency });
    if (why !== undefined) {
      unchecked.push({ what: `consistency: ${check.name}`, why });
      continue;
    }
    onCheck?.(check.name);
    const outcome = await settle(() => check.run(subject, first, { concurrency, signal }), signal);
    if (outcome.kind === 'skipped' || (outcome.kind === 'result' && outcome.value.length === 0)) {
      const reason = outcome.kind === 'skipped' ? outcome.message : 'no answers to compare with';
      unchecked.push({ what: `consistency: ${check.name}`, why: reason });
      continue;
    }
    if (outcome.kind === 'no answer') {
      unchecked.push({ what: `consistency: ${check.name}`, why: outcome.message });
    }
    verdicts.push(verdictOf(check.name, outcome, allowed));
  }
  return { verdicts, unchecked };
}

/** Whether the same request gets other answers when it comes again or together with others. */
export function dependsOnOthers(verdicts: Verdict['consistency']): boolean {
  return verdicts.some(({ name, verdict }) => verdict === 'wrong' && SAME_REQUESTS.has(name));
}

/** Why a verdict is wrong or unknown, as far as its checks of consistency say. */
export function consistencyReasons(
  verdicts: readonly ConsistencyVerdict[],
): Record<'wrong' | 'unknown', string[]> {
  const namesOf = (verdict: ConsistencyVerdict['verdict']) =>
    verdicts.filter((each) => each.verdict === verdict).map(({ name }) => name);
  return {
    wrong: namesOf('wrong').map((name) => `its answers change: ${name}`),
    unknown: namesOf('unknown').map((name) => `it does not answer when it is asked again: ${name}`),
  };
}

function verdictOf(
  name: string,
  outcome: Exclude<Outcome<CaseChange[]>, { kind: 'skipped' }>,
  allowed: number,
): ConsistencyVerdict {
  // A crash or a time limit says nothing of the answer. A subject that answers once and is at fault when it
  // is asked again is not consistent.
  if (outcome.kind === 'no answer') return { name, verdict: 'unknown', equalBits: false, largest: null };
  if (outcome.kind === 'error') return { name, verdict: 'wrong', equalBits: false, largest: null };
  const worst = outcome.value.reduce((a, b) => (b.largest > a.largest ? b : a));
  const changed = outcome.value.find(({ equalBits }) => !equalBits);
  if (!changed) return { name, verdict: 'right', equalBits: true, largest: 0 };
  const shown = worst.equalBits ? changed : worst;
  return {
    name,
    verdict: worst.largest <= allowed ? 'right' : 'wrong',
    equalBits: false,
    largest: Number.isFinite(worst.largest) ? worst.largest : null,
    case: shown.case,
    position: shown.position,
  };
}
