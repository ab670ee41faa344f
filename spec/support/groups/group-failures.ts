import { readdirSync } from 'node:fs';
import type { ExecutionContext } from 'ava';
import type { GroupRun } from './groups.ts';

/** Time limit of the groups, in ms; short, so that tests are. */
export const TIMEOUT_MS = 1000;
/** Until the last process has ended: the time limit, the ranks' grace, and a reserve for a busy machine. */
export const WITHIN_MS = 8000;

/**
 * Asserts that the given ranks report the same reason, the launcher fails, and no process or file is left.
 */
export async function failed(
  t: ExecutionContext,
  run: GroupRun,
  reporting: readonly number[],
  reason: RegExp,
): Promise<void> {
  const { exitCode } = await run.end();
  t.deepEqual(await run.survivors(WITHIN_MS), []);
  t.deepEqual(readdirSync(run.folder), []);
  t.is(exitCode, 1, run.log);
  for (const rank of reporting) {
    t.true(
      run.linesOf(rank).some((line) => reason.test(line)),
      `rank ${rank} does not report ${reason}:\n${run.log}`,
    );
  }
}
