import { readdirSync } from 'node:fs';
import type { ExecutionContext } from 'ava';
import type { GroupRun } from './groups.ts';

/** For what is found out by waiting, in ms; short for the test's sake. */
export const TIMEOUT_MS = 1000;
/** What may pass until the last process has ended: the time limit, what is left to the ranks, and a busy machine. */
export const WITHIN_MS = 8000;

/** All ranks but those at fault say the same, the launcher fails, and nothing is left. */
export async function failed(
  t: ExecutionContext,
  run: GroupRun,
  told: readonly number[],
  reason: RegExp,
): Promise<void> {
  const { exitCode } = await run.end();
  t.deepEqual(await run.survivors(WITHIN_MS), []);
  t.deepEqual(readdirSync(run.folder), []);
  t.is(exitCode, 1, run.log);
  for (const rank of told) {
    t.true(
      run.linesOf(rank).some((line) => reason.test(line)),
      `rank ${rank} does not say ${reason}:\n${run.log}`,
    );
  }
}
