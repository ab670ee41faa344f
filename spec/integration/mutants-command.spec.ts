import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { temporaryFolder, trackResources } from '../support/processes/cleanup.ts';
import { ended, startNode } from '../support/processes/processes.ts';

trackResources(test);

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const COMMAND = join(ROOT, 'spec/support/mutants/random/command.ts');
/** A small source, whose spec takes a second. */
const SOURCE = 'engine/terminal/output.ts';

/** The command, with a temporary folder of its own. */
function start(t: ExecutionContext, ...argv: string[]) {
  const folder = temporaryFolder(t);
  const child = startNode(COMMAND, argv, { env: { TMPDIR: folder } });
  t.teardown(() => child.kill('SIGKILL'));
  return { child, folder };
}

const sources = () =>
  execFileSync('git', ['status', '--porcelain', 'engine'], { cwd: ROOT, encoding: 'utf8' }) +
  readFileSync(join(ROOT, SOURCE), 'utf8');

test.serial('what survives and what was caught is listed, and nothing is left of the copy', async (t) => {
  const before = sources();
  const { child, folder } = start(t, '--random', '2', '--seed', '3', SOURCE);
  const { exitCode, out, err: written } = await ended(child);
  // TypeScript's own server shares standard error, and may say this when it is closed and killed at once.
  const err = written.replace(/^context canceled\n/, '');
  t.regex(err, /^1 of 2 {2}engine\/terminal\/output\.ts:\d+ {2}.*\n2 of 2 {2}.*\n$/);
  const survived = err.match(/SURVIVED/g)?.length ?? 0;
  t.is(exitCode, survived > 0 ? 1 : 0, err);
  t.true(out.endsWith(`${2 - survived} of 2 edits were caught, seed 3\n`), out);
  t.is(out.match(/^engine\/terminal\/output\.ts:\d+/gm)?.length ?? 0, survived);
  t.deepEqual(readdirSync(folder), []);
  t.is(sources(), before);
});

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  test.serial(`${signal} ends it at once, leaves no copy, and the sources are unharmed`, async (t) => {
    const before = sources();
    const { child, folder } = start(t, '--random', '100', '--seed', '3', SOURCE);
    const end = ended(child);
    // One edit has been tried; the next is in place, and its specs are being run. The first of this seed is
    // caught, so that no types are checked, which would take as long as all the rest.
    await once(createInterface(child.stderr!), 'line');
    child.kill(signal);
    const { exitCode, err } = await end;
    t.is(exitCode, code, err);
    t.deepEqual(readdirSync(folder), []);
    t.is(sources(), before);
  });
}

test('no number of edits, and paths of nothing, are wrong usage', async (t) => {
  const none = await ended(start(t).child);
  t.is(none.exitCode, 2);
  t.regex(none.err, /required option '--random <n>' not specified/);
  const nowhere = await ended(start(t, '--random', '1', 'nowhere/').child);
  t.deepEqual([nowhere.exitCode, nowhere.err], [2, 'mutants: no source begins with nowhere/\n']);
});
