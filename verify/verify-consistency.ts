import { inParallel } from './ask/in-parallel.ts';
import { type Outcome, settle } from './ask/outcome.ts';
import { NOTHING_COMPARED } from './conclude.ts';
import type { FirstAnswer } from './consistency/checks.ts';
import { consistencyCases } from './consistency/consistency-cases.ts';
import { consistencyPower } from './consistency/consistency-power.ts';
import { consistencyReasons, judgeConsistency } from './consistency/judge-consistency.ts';
import type { PowerVerdict } from './judge/judgement.ts';
import type { PrecisionClass } from './precision.ts';
import type { GreedyAnswer, Subject, TokenScores } from './subject.ts';
import { VERDICT_FORMAT, type Verdict, type VerdictCase, versionsHere } from './verdict.ts';

/** How an engine is asked whose model may be any. */
export interface VerifyConsistencyOptions {
  readonly subject: Subject;
  /** How the subject is reached, for the report. */
  readonly adapter: string;
  /** Given to the subject as it is; nothing is read from it. Default: empty, the model that it has. */
  readonly modelDir?: string;
  /** What the subject computes in. Default: what it says, or else bf16. */
  readonly precision?: PrecisionClass;
  /** Requests at a time, at most. Default: as many as the subject takes. */
  readonly concurrency?: number;
  readonly signal?: AbortSignal;
  /** Called with what is done next. */
  readonly onProgress?: (text: string) => void;
}

/**
 * The largest change of a log-probability that the noise of a class explains, in nats. Without a reference it
 * cannot be measured, so these are eight times the noise of the class on the project's small models
 * (`golden/classes.json`), whose seeded weights have more of it than trained ones. Weights in blocks are the
 * same in each answer: the noise is that of the activations.
 */
const ALLOWED: Readonly<Record<PrecisionClass, number>> = Object.freeze({
  f32: 1e-3,
  f16: 0.12,
  bf16: 1,
  '8bit': 1,
  '4bit': 1,
});
const CONTINUATION = 12;

/** One prompt's answers of the first time. */
interface Asked {
  readonly answer: FirstAnswer;
  readonly outcomes: readonly Outcome<unknown>[];
}

/**
 * Judges whether an engine answers the same however it is asked. It needs neither goldens nor a model that
 * Plumbline can compute: any model of any family.
 *
 * @throws NoAnswerError, SubjectError if the subject cannot be loaded; the reason of `signal`.
 */
export async function verifyConsistency(options: VerifyConsistencyOptions): Promise<Verdict> {
  const { subject, adapter, modelDir = '', signal, onProgress = () => {} } = options;
  const loaded = await subject.load(modelDir);
  try {
    const { capabilities } = loaded;
    const { precision = capabilities.precision ?? 'bf16', concurrency = capabilities.maxConcurrency } =
      options;
    const allowed = ALLOWED[precision];
    const cases = await consistencyCases(loaded);
    const limit = Math.min(concurrency, capabilities.maxConcurrency);
    const asked = await inParallel(cases, limit, async (each): Promise<Asked> => {
      onProgress(`asking ${each.id}`);
      const { promptIds: ids, positions } = each;
      const forward = await settle(
        async () => (await loaded.forward({ ids, positions, signal })).rows,
        signal,
      );
      const request = { ids, maxNewTokens: CONTINUATION, signal };
      const generated = await settle(() => loaded.generate(request), signal);
      return { answer: { case: each, ...answersOf(forward, generated) }, outcomes: [forward, generated] };
    });
    const first = asked.map(({ answer }) => answer);
    const { verdicts, unchecked } = await judgeConsistency(loaded, first, {
      ...{ allowed, concurrency, signal },
      onCheck: (name) => onProgress(`consistency: ${name}`),
    });
    const power = consistencyPower(first, allowed);
    const caseVerdicts = asked.map(verdictOfCase);
    return {
      ...NOTHING_COMPARED,
      format: VERDICT_FORMAT,
      subject: { ...subject.info, adapter },
      model: { name: modelDir === '' ? 'the model that it has' : modelDir, source: 'any' },
      reference: {
        kind: 'itself',
        description: `its own first answers; a change of ${allowed} nats is the noise of ${precision}`,
      },
      ...conclude(verdicts, caseVerdicts, power),
      consistency: [...verdicts],
      power: { ...power, missed: [...power.missed] },
      compared: comparedOf(first),
      cases: caseVerdicts,
      unchecked: [
        { what: 'whether its answers are right', why: 'consistency alone is checked' },
        ...unchecked,
      ],
      versions: versionsHere(),
    };
  } finally {
    await loaded.close();
  }
}

function answersOf(
  forward: Outcome<readonly TokenScores[]>,
  generated: Outcome<GreedyAnswer>,
): Pick<FirstAnswer, 'rows' | 'tokens' | 'scores'> {
  return {
    ...(forward.kind === 'result' ? { rows: forward.value } : {}),
    ...(generated.kind === 'result'
      ? { tokens: generated.value.tokens, scores: generated.value.scores }
      : {}),
  };
}

function verdictOfCase({ answer, outcomes }: Asked): VerdictCase {
  const { id } = answer.case;
  const ofKind = (wanted: Outcome<unknown>['kind']) => outcomes.find(({ kind }) => kind === wanted);
  // An answer that is wrong stays wrong if another did not come.
  const failed = ofKind('error') ?? ofKind('no answer');
  const told = failed ?? (outcomes.every(({ kind }) => kind === 'skipped') ? outcomes[0] : undefined);
  if (!told || told.kind === 'result') return { id, verdict: 'right', outcome: 'result' };
  const verdict = told.kind === 'error' ? 'wrong' : 'unknown';
  return { id, verdict, outcome: told.kind, message: told.message };
}

function conclude(
  consistency: readonly Verdict['consistency'][number][],
  cases: readonly VerdictCase[],
  { missed, of }: PowerVerdict,
): Pick<Verdict, 'verdict' | 'reasons'> {
  const messages = (outcome: VerdictCase['outcome']) =>
    cases.flatMap((each) => (each.outcome === outcome && each.message ? [each.message] : [])).slice(0, 1);
  const { wrong: changing, unknown: unanswered } = consistencyReasons(consistency);
  const wrong = [...messages('error'), ...changing];
  const unknown = [
    ...messages('no answer'),
    ...unanswered,
    ...(consistency.length === 0 ? ['nothing could be compared'] : []),
    ...(of === 0 ? ['no fault could be put into its answers'] : []),
    ...missed.map((fault) => `the judge let an injected fault pass: ${fault}`),
  ];
  const verdict = wrong.length > 0 ? 'wrong' : unknown.length > 0 ? 'unknown' : 'right';
  return { verdict, reasons: [...wrong, ...unknown] };
}

function comparedOf(first: readonly FirstAnswer[]): Verdict['compared'] {
  const rows = first.flatMap(({ rows: own = [], scores = [] }) => [...own, ...scores]);
  return { rows: rows.length, values: rows.reduce((sum, { values }) => sum + values.length, 0) };
}
