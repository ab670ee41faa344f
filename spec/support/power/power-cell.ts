import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureFixture } from '../../../generator/fixtures/fixtures.ts';
import { httpSubject } from '../../../verify/adapters/http/http-subject.ts';
import type { Check } from '../../../verify/checks.ts';
import { NoAnswerError, SubjectError } from '../../../verify/errors.ts';
import { foundBugs } from '../../../verify/judge/bug-verdicts.ts';
import type { Verdict } from '../../../verify/verdict.ts';
import { loadCases, type VerifyModel, verify } from '../../../verify/verify.ts';
import { LoopbackServer } from '../servers/loopback-server.ts';
import { SERVERS, serveModel } from '../servers/servers.ts';
import { type PowerClass, withBrokenEngine } from './broken-engines.ts';
import { isServed, type PowerRow } from './power-rows.ts';

/** What the judge made of a broken engine. */
export interface PowerCell {
  /** `found`: refused with the right name. `no answer`: it stopped answering, and nothing is concluded. */
  readonly outcome: 'found' | 'refused' | 'no answer' | 'not told';
  /** Bugs that the judge named. */
  readonly named: readonly string[];
  /** The questions that refused it. */
  readonly by: readonly string[];
  /** The first reason. */
  readonly reason: string;
}

/** Cases that are asked: longer prompts take long and show little that shorter ones do not. */
const CASES = [
  ...['ids-first-and-last', 'ids-one', 'ids-repeated', 'ids-short', 'ids-block', 'ids-block-and-one'],
  'ids-longer',
];
/** Of a model with long prompts, where a window of 128 shows. */
const LONG_CASES = ['long-table', 'chat-tools', 'chat-three-turns', 'ids-longer'];
/** Of engines that serve together: each row is a request of its own. */
const SERVED_CASES = ['ids-short', 'ids-one', 'ids-repeated', 'ids-block', 'ids-block-and-one'];

/** The server in front of an engine, and the blocks of its cache if it serves requests together. */
interface Attempt {
  readonly api: 'vllm' | 'llama-server';
  readonly blocks: number;
}

const FIRST: Attempt = { api: 'vllm', blocks: 40 };
/**
 * Of engines that serve together, while they pass: each row as a request of its own, and then some ten times
 * as many preemptions. An engine that loses blocks would stop answering if it had so few from the first on.
 */
const FURTHER: readonly Attempt[] = [
  { api: 'llama-server', blocks: 40 },
  { api: 'vllm', blocks: 24 },
];

/** Judges one broken engine of one class behind HTTP, in further ways while it passes. */
export async function powerCell(
  row: PowerRow,
  precision: PowerClass,
  run?: readonly string[],
): Promise<PowerCell> {
  const modelDir = await ensureFixture(row.model);
  let cell: PowerCell | undefined;
  for (const { api, blocks } of [FIRST, ...(isServed(row) ? FURTHER : [])]) {
    const folder = mkdtempSync(join(tmpdir(), 'plumbline-power-'));
    try {
      cell = await withBrokenEngine(row, { precision, modelDir, folder, blocks }, async (broken) => {
        const { served } = await serveModel(modelDir, broken);
        const server = await LoopbackServer.start(SERVERS[api](served));
        try {
          const golden = { name: row.model };
          const model: VerifyModel = { name: row.model, source: 'fixture', modelDir, golden };
          const verdict = await verify({
            subject: httpSubject({ url: server.url, api, timeoutMs: 30_000 }),
            adapter: `--url, ${api}`,
            model,
            cases: await loadCases(model, {
              run: run ?? casesOf(row),
            }),
            precision,
            ...(row.table === 'signature' ? { checks: NUMBERS } : {}),
          });
          return cellOf(verdict, row.signatures);
        } catch (error) {
          // A server that sends nonsense is refused before any case is asked; a silent one proves nothing.
          const { message: reason } = error as Error;
          if (error instanceof SubjectError)
            return { outcome: 'refused', named: [], by: ['answers'], reason };
          if (error instanceof NoAnswerError) return { outcome: 'no answer', named: [], by: [], reason };
          throw error;
        } finally {
          await server.close();
        }
      });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    if (cell.outcome === 'found' || cell.outcome === 'refused') break;
  }
  return cell!;
}

/** Of an engine that computes each sequence anew and so is consistent. */
const NUMBERS = ['precision', 'bugs', 'greedy'] as const satisfies readonly Check[];

function casesOf(row: PowerRow): readonly string[] {
  if (isServed(row)) return SERVED_CASES;
  return row.model === 'peaked' ? LONG_CASES : CASES;
}

export function cellOf(verdict: Verdict, signatures: readonly string[]): PowerCell {
  const named = foundBugs(verdict.bugs).map(({ name }) => name);
  const isWrong = verdict.verdict === 'wrong';
  const isNamed = named.some((name) => signatures.includes(name));
  const isSilent = verdict.cases.some(({ outcome }) => outcome === 'no answer');
  return {
    outcome: isWrong ? (isNamed ? 'found' : 'refused') : isSilent ? 'no answer' : 'not told',
    named,
    by: isWrong ? refusers(verdict) : [],
    reason: verdict.reasons[0] ?? '',
  };
}

function refusers({ precision, bugs, greedy, consistency, cases, reasons }: Verdict): string[] {
  const { demanded, classes, exceptions } = precision;
  const holds = classes.find(({ class: name }) => name === demanded)?.holds ?? true;
  const by: Record<string, boolean> = {
    answers: cases.some(({ outcome }) => outcome === 'error'),
    precision: (classes.length > 0 && !holds) || exceptions.length > 0,
    bugs: foundBugs(bugs).length > 0,
    greedy: greedy.verdict === 'wrong',
    consistency: consistency.some(({ verdict }) => verdict === 'wrong'),
  };
  const told = Object.keys(by).filter((name) => by[name]);
  return told.length > 0 ? told : [reasons[0] ?? 'unknown'];
}
