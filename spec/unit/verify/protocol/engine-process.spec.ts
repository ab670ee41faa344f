import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { NoAnswerError } from '../../../../verify/errors.ts';
import { EngineProcess } from '../../../../verify/protocol/engine-process.ts';
import { temporaryFolder, trackResources } from '../../../support/processes/cleanup.ts';

trackResources(test);

/** Runs a shell script as the program; its lines and its end are collected. */
function start(t: ExecutionContext, script: string, maxLineBytes?: number) {
  const lines: string[] = [];
  let resolveEnd: (how: string) => void = () => {};
  const ended = new Promise<string>((resolve) => {
    resolveEnd = resolve;
  });
  const program = new EngineProcess(['sh', '-c', script], {
    maxLineBytes,
    onLine: (line) => lines.push(line),
    onEnd: (how) => resolveEnd(how),
  });
  t.teardown(() => program.kill());
  return { program, lines, ended };
}

test('lines are sent and received, and the end comes after the last of them', async (t) => {
  const { program, lines, ended } = start(t, 'cat; echo last');
  await program.send('{"a":1}');
  await program.send('é');
  await program.stop(10_000);
  t.is(await ended, 'the program ended with exit code 0');
  t.deepEqual(lines, ['{"a":1}', 'é', 'last']);
});

test('the end of a program has its exit code or signal', async (t) => {
  for (const [script, how] of [
    ['exit 7', 'the program ended with exit code 7'],
    ['kill -TERM $$', 'the program was ended by SIGTERM'],
    ['printf "half a"', 'the program ended with exit code 0 in the middle of a line: "half a"'],
  ]) {
    t.is(await start(t, script).ended, how);
  }
});

test('standard error is kept apart', async (t) => {
  const { program, lines, ended } = start(t, 'echo warning >&2; echo line; exit 1');
  await ended;
  t.deepEqual(program.stderrTail, ['warning']);
  t.deepEqual(lines, ['line']);
});

test('a program that does not end after its input is killed with its children', async (t) => {
  const { program, ended } = start(t, 'sleep 100 & sleep 100');
  await program.stop(50);
  t.is(await ended, 'the program was ended by SIGKILL');
});

test('a program that reads slowly is written to no faster', async (t) => {
  const { program, lines, ended } = start(t, 'sleep 0.3; wc -c');
  const line = 'x'.repeat(2 ** 20);
  const begin = Date.now();
  await program.send(line);
  t.true(Date.now() - begin >= 200, 'a pipe takes 64 kB; the rest waits for the reader');
  await program.stop(10_000);
  await ended;
  t.deepEqual(lines.map(Number), [2 ** 20 + 1]);
});

test('a write to a program that has ended is no error, and does not wait', async (t) => {
  const { program, ended } = start(t, 'exit 0');
  await ended;
  await t.notThrowsAsync(program.send('x'.repeat(2 ** 20)));
  await program.stop(10_000);
  await program.kill();
});

test('a program that closes a pipe and goes on is ended', async (t) => {
  const closedInput = start(t, 'exec <&-; while :; do sleep 0.1; done');
  const poke = setInterval(() => closedInput.program.send('x'), 50);
  t.teardown(() => clearInterval(poke));
  t.is(await closedInput.ended, 'the program closed its standard input and went on');
  t.is(await start(t, 'exec >&-; sleep 100').ended, 'the program closed its standard output and went on');
});

test('a line that is too long ends the program', async (t) => {
  const { ended } = start(t, 'yes | tr -d "\\n"', 1000);
  t.regex(
    await ended,
    /^the program wrote too much: a line has more than 1000 bytes: "y{80}"…; pass large arrays in files$/,
  );
});

test('a program that cannot be started ends with the reason', async (t) => {
  const script = join(temporaryFolder(t), 'engine.py');
  writeFileSync(script, 'print(1)\n', { mode: 0o644 });
  for (const [program, message] of [
    ['no-such-program', /^cannot start "no-such-program": it is not found; check its path/],
    [script, /^cannot start ".*engine\.py": it is not executable; run chmod \+x/],
  ] as const) {
    const how = await new Promise<string>((resolve) => {
      new EngineProcess([program], { onLine: () => {}, onEnd: resolve });
    });
    t.regex(how, message);
  }
  const options = { onLine: () => {}, onEnd: () => {} };
  t.throws(() => new EngineProcess(['x'.repeat(5000)], options), {
    instanceOf: NoAnswerError,
    message: 'cannot start the program: spawn ENAMETOOLONG',
  });
});
