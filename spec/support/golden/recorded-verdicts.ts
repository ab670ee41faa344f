import { ensureFixture } from '../../../generator/fixtures/fixtures.ts';
import {
  readRecordedEngine,
  readRecordedEngines,
  recordedFixtures,
} from '../../../golden/engines/recorded-engines.ts';
import { storedCases } from '../../../golden/verify-case.ts';
import { judge } from '../../../verify/judge/judge.ts';
import type { Judgement, Reference, SubjectCase } from '../../../verify/judge/judgement.ts';
import { goldenCases } from '../../../verify/reference/golden-cases.ts';
import { loadReference } from '../../../verify/reference/load-reference.ts';

/** A judgement in short: what must not change unseen. */
export interface ShortVerdict {
  readonly verdict: string;
  readonly class: string;
  /** Two digits. */
  readonly ratio: number;
  /** Where errors are more than the class explains. */
  readonly exceptions: readonly string[];
  /** The bugs found, with their coefficients. */
  readonly found: Readonly<Record<string, number>>;
  readonly ruledOut: number;
  readonly cannotTell: readonly string[];
  readonly power: string;
}

/**
 * What is right about a fixture, with the signatures of bugs. Cases of the golden that the engines were not
 * recorded on are left out: else the engines would lack answers.
 */
export async function fixtureReference(fixture: string): Promise<Reference> {
  const [engine] = Object.keys(readRecordedEngines().engines);
  const recorded = readRecordedEngine(fixture, engine);
  const judged = goldenCases(fixture).map(({ id }) => id);
  const cases = storedCases(fixture, []).filter(({ id }) => recorded.has(id) || !judged.includes(id));
  return await loadReference(await ensureFixture(fixture), cases, {
    withSignatures: true,
    golden: { name: fixture },
  });
}

/** A recorded engine as the judge takes it. */
export function recordedSubject(fixture: string, engine: string): SubjectCase[] {
  return [...readRecordedEngine(fixture, engine)].map(([id, rows]) => ({
    id,
    rows: rows.map(({ ids, logprobs }, position) => ({ position, ids, values: logprobs })),
  }));
}

export function shortVerdict({ verdict, precision, bugs, power }: Judgement): ShortVerdict {
  const named = (wanted: string) => bugs.filter((bug) => bug.verdict === wanted);
  return {
    verdict,
    class: precision?.class ?? 'none',
    ratio: Number((precision?.ratio ?? 0).toPrecision(2)),
    exceptions: (precision?.exceptions ?? []).map(
      ({ case: id, firstPosition, lastPosition }) => `${id} ${firstPosition}–${lastPosition}`,
    ),
    found: Object.fromEntries(
      named('found').map(({ name, coefficient }) => [name, Number(coefficient.toFixed(2))]),
    ),
    ruledOut: named('ruled out').length,
    cannotTell: named('cannot tell').map(({ name }) => name),
    power: `${power.refused} of ${power.of}`,
  };
}

/** Every recorded engine, judged: by fixture, by engine. */
export async function judgeRecordedEngines(): Promise<Record<string, Record<string, ShortVerdict>>> {
  const verdicts: Record<string, Record<string, ShortVerdict>> = {};
  for (const fixture of recordedFixtures()) {
    const reference = await fixtureReference(fixture);
    verdicts[fixture] = Object.fromEntries(
      Object.keys(readRecordedEngines().engines).map((engine) => [
        engine,
        shortVerdict(judge(recordedSubject(fixture, engine), reference)),
      ]),
    );
  }
  return verdicts;
}
