import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { ensureFixture } from '../../../generator/fixtures/fixtures.ts';
import {
  type Check,
  httpSubject,
  loadCases,
  type Subject,
  type Verdict,
  verify,
} from '../../../verify/index.ts';
import type { PrecisionClass } from '../../../verify/precision.ts';
import { closing, temporaryFolder } from '../processes/cleanup.ts';
import { LoopbackServer } from '../servers/loopback-server.ts';
import { SERVERS, serveModel } from '../servers/servers.ts';

/** How an engine is reached: in this process, or behind a server that speaks an API. */
export type Way = 'in process' | 'vllm' | 'llama-server';

/** What an engine is asked. */
export interface ForeignQuestion {
  /** A fixture. */
  readonly model: string;
  readonly run: readonly string[];
  readonly checks?: readonly Check[];
  /** What the engine loads in place of the fixture's directory. */
  readonly loads?: string;
}

/** The verdicts on an engine, by how it is reached. One model serves all APIs. */
export async function judgeForeign(
  t: ExecutionContext,
  subject: Subject,
  ways: readonly Way[],
  { model: name, run, checks, loads }: ForeignQuestion,
): Promise<[way: Way, verdict: Verdict][]> {
  const modelDir = await ensureFixture(name);
  const model = { name, source: 'fixture', modelDir, golden: { name } } as const;
  const cases = await loadCases(model, { run });
  const loaded = await subject.load(loads ?? modelDir);
  const { served, close } = await serveModel(modelDir, loaded);
  t.teardown(close);
  const verdicts: [Way, Verdict][] = [];
  for (const way of ways) {
    const reached: Subject =
      way === 'in process'
        ? { info: subject.info, load: async () => ({ ...loaded, close: async () => {} }) }
        : httpSubject({ url: closing(t, await LoopbackServer.start(SERVERS[way](served))).url });
    verdicts.push([way, await verify({ subject: reached, adapter: way, model, cases, checks })]);
  }
  return verdicts;
}

/** Every verdict is right, in this class, and no injected fault was let pass. */
export function checkRight(
  t: ExecutionContext,
  verdicts: readonly (readonly [way: Way, verdict: Verdict])[],
  is: PrecisionClass,
): void {
  for (const [way, { verdict, reasons, precision, power }] of verdicts) {
    t.is(verdict, 'right', `${way}: ${reasons.join('; ')}`);
    t.is(precision.class, is, `${way}: ${JSON.stringify(precision.classes)}`);
    t.is(power.refused, power.of, way);
    t.log(`${way}: ${precision.ratio?.toPrecision(2)} times the noise of ${is}`);
  }
}

/** A copy of `dense` whose `config.json` says something else. */
export async function copyOfDense(t: ExecutionContext, changes: Record<string, unknown>): Promise<string> {
  const modelDir = temporaryFolder(t);
  cpSync(await ensureFixture('dense'), modelDir, { recursive: true });
  const path = join(modelDir, 'config.json');
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), ...changes }));
  return modelDir;
}
