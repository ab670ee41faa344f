import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type CommandOptions, commandSubject } from '../../verify/adapters/command/command-subject.ts';
import { askCases } from '../../verify/ask/ask-cases.ts';
import { type Outcome, settle } from '../../verify/ask/outcome.ts';
import { NoAnswerError, SubjectError } from '../../verify/errors.ts';
import type { SubjectModel } from '../../verify/subject.ts';
import { misbehaving } from '../support/adapters/misbehaving-command.ts';
import { temporaryFolder, trackResources } from '../support/processes/cleanup.ts';
import { FAKE_SIZES, fakeRow } from '../support/verify/fake-subject.ts';

trackResources(test);

/** Long enough for a program to start on a busy machine; what ends in error has to end sooner. */
const limits = { startMs: 60_000, loadMs: 60_000, requestMs: 60_000, stopMs: 20_000 };

async function load(
  t: ExecutionContext,
  mode: string,
  { maxConcurrency, ...options }: CommandOptions & { maxConcurrency?: number } = {},
): Promise<SubjectModel> {
  const command = misbehaving(mode, maxConcurrency);
  const subject = await commandSubject(command, { ...options, limits: { ...limits, ...options.limits } });
  const model = await subject.load('/models/fake');
  t.teardown(() => model.close());
  return model;
}

/** A process that has ended may still be listed until init takes notice. */
function isRunning(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' });
  return stdout !== '' && !stdout.startsWith('Z');
}

const askForward = (model: SubjectModel) => model.forward({ ids: [1, 2, 3], positions: [2] });

test('an honest program answers as the model that it wraps, in any number of cases', async (t) => {
  const model = await load(t, 'honest', { maxConcurrency: 3 });
  t.deepEqual(model.capabilities, {
    scores: 'all',
    hidden: false,
    tokenize: false,
    chat: false,
    maxConcurrency: 3,
  });
  const cases = [[1], [2, 3], [4, 5, 6]].map((promptIds, i) => {
    const positions = promptIds.map((_, position) => position);
    return { id: `case-${i}`, promptIds, greedy: [0, 0], positions };
  });
  const asked = await askCases(model, cases, { sizes: FAKE_SIZES, concurrency: 8 });
  for (const { case: each, forward, generated } of asked) {
    const rows = each.positions.map((p) => fakeRow([...each.promptIds, ...each.greedy].slice(0, p + 1)));
    t.deepEqual(forward, { kind: 'result', value: { rows } });
    t.like(generated, { kind: 'result' });
  }
});

/** How a request of a program that misbehaves at `forward` ends. */
const WRONG: readonly [mode: string, kind: Outcome<unknown>['kind'], message: RegExp][] = [
  [
    'half-a-line',
    'no answer',
    /forward of 3 ids: no answer: the program ended with exit code 0 in the middle of a line: "\{\\"type\\":\\"forw"$/,
  ],
  ['nan-in-json', 'error', /a line that is not JSON: ".*NaN.*; JSON has neither NaN nor Infinity/],
  [
    'wrong-shape',
    'error',
    /forward of 3 ids: scores\.values has the shape \[2, 8\]; expected \[1, vocabulary\]/,
  ],
  ['wrong-length', 'error', /scores\.values has 28 bytes in base64; f32 \[1, 8\] takes 32/],
  ['wrong-id', 'error', /answers "r99", which was never asked; in flight: r3/],
  ['id-as-number', 'error', /a message forwarded has the id 3; expected the string that the request has/],
  ['wrong-type', 'error', /forward of 3 ids: the answer is generated; expected forwarded, skipped or error/],
  [
    'array-for-object',
    'error',
    /forward of 3 ids: the answer forwarded is not as its schema says: scores: .*expected object, received array/,
  ],
  ['array-for-message', 'error', /a line that is no message: .*; expected an object whose type is started, /],
  ['chatter', 'error', /a line that is not JSON: "loading weights \.{184}"…; log to standard error/],
  [
    'exits-with-3',
    'no answer',
    /the program ended with exit code 3; standard error ends:\n {2}\| Traceback: out of memory$/,
  ],
  ['dies-of-a-signal', 'no answer', /forward of 3 ids: no answer: the program was ended by SIGSEGV/],
  ['closes-standard-output', 'no answer', /the program closed its standard output and went on/],
  ['skips', 'skipped', /forward of 3 ids: skipped: no such position/],
  ['refuses', 'error', /forward of 3 ids: the engine answers: out of memory/],
];

for (const [mode, kind, message] of WRONG) {
  test(`a program of the kind ${mode} ends as ${kind}, and says why`, async (t) => {
    const model = await load(t, mode);
    const outcome = await settle(() => askForward(model));
    t.is(outcome.kind, kind, JSON.stringify(outcome));
    t.regex('message' in outcome ? outcome.message : '', message);
  });
}

test('a program that has broken the protocol is not asked again', async (t) => {
  const model = await load(t, 'chatter');
  await t.throwsAsync(askForward(model), { instanceOf: SubjectError });
  await t.throwsAsync(askForward(model), {
    instanceOf: NoAnswerError,
    message: /forward of 3 ids: was not asked: standard output has a line that is not JSON/,
  });
});

test('a request that is answered wrongly in a form that can be understood leaves the others alone', async (t) => {
  const model = await load(t, 'array-for-object');
  await t.throwsAsync(askForward(model), { instanceOf: SubjectError });
  t.is((await model.generate({ ids: [1], maxNewTokens: 2 })).tokens.length, 2);
});

test('a second answer to the same request is refused at the next one', async (t) => {
  const model = await load(t, 'duplicate-id');
  await askForward(model);
  const outcome = await settle(() => model.generate({ ids: [1], maxNewTokens: 2 }));
  t.true(outcome.kind === 'error' || outcome.kind === 'no answer', outcome.kind);
  t.regex(
    'message' in outcome ? outcome.message : '',
    /forward of 3 ids \("r3"\) was answered a second time/,
  );
});

test('values that are not finite, and rows that are too short, are errors of the case', async (t) => {
  for (const [mode, message] of [
    ['nan', /the value at index 0 is NaN; expected a finite number/],
    ['wrong-vocabulary', /7 values; expected 8/],
  ] as const) {
    const model = await load(t, mode);
    const cases = [{ id: 'only', promptIds: [1, 2], greedy: [3], positions: [2] }];
    const [{ forward }] = await askCases(model, cases, { sizes: FAKE_SIZES, concurrency: 1 });
    t.is(forward.kind, 'error');
    t.regex('message' in forward ? forward.message : '', message);
  }
});

test('a program that hangs is ended at its time limit, and every request in flight learns which one it was', async (t) => {
  const model = await load(t, 'hang-in-the-middle', { maxConcurrency: 2, limits: { requestMs: 300 } });
  const [first, second] = await Promise.all([
    settle(() => askForward(model)),
    settle(() => model.forward({ ids: [1], positions: [0] })),
  ]);
  for (const [outcome, asked] of [
    [first, 'forward of 3 ids'],
    [second, 'forward of 1 ids'],
  ] as const) {
    t.is(outcome.kind, 'no answer');
    const expected = `${asked}: no answer: forward of 3 ids took longer than its time limit of 0.3 s`;
    t.true('message' in outcome && outcome.message.startsWith(expected), JSON.stringify(outcome));
  }
});

test('a program that hangs at its start is ended, with a hint to flush', async (t) => {
  await t.throwsAsync(commandSubject(misbehaving('hang-at-start'), { limits: { startMs: 300 } }), {
    instanceOf: NoAnswerError,
    message: /^start: no answer: start took longer than its time limit of 0\.3 s .*flushed after each line/,
  });
});

test('a line that is too long is refused before it is in memory', async (t) => {
  const model = await load(t, 'huge-line', { maxLineBytes: 2 ** 20 });
  await t.throwsAsync(askForward(model), {
    instanceOf: NoAnswerError,
    message: /wrote too much: a line has more than 1048576 bytes: "x{80}"…; pass large arrays in files/,
  });
});

test('a program of another version, or that does not say what it can do, is refused', async (t) => {
  await t.throwsAsync(commandSubject(misbehaving('another-version'), { limits }), {
    instanceOf: SubjectError,
    message: 'start: fake speaks version 2 of the protocol; expected 1',
  });
  await t.throwsAsync(commandSubject(misbehaving('no-capabilities'), { limits }), {
    instanceOf: SubjectError,
    message: /start: the answer started is not as its schema says: capabilities: /,
  });
});

test('a program that does not exist or is not executable is refused with what to do', async (t) => {
  await t.throwsAsync(commandSubject('no-such-engine --fast'), {
    instanceOf: NoAnswerError,
    message: /^start: no answer: cannot start "no-such-engine": it is not found; check its path/,
  });
  const path = join(temporaryFolder(t), 'engine.py');
  writeFileSync(path, 'print("hello")\n', { mode: 0o644 });
  await t.throwsAsync(commandSubject([path]), {
    instanceOf: NoAnswerError,
    message: /engine\.py": it is not executable; run chmod \+x, or name its interpreter/,
  });
});

test('a slow start, answers out of order and warnings on standard error are no faults', async (t) => {
  const slow = await load(t, 'slow-start');
  t.is((await askForward(slow)).rows.length, 1);
  const unordered = await load(t, 'out-of-order', { maxConcurrency: 3 });
  const prompts = [[1], [1, 2], [1, 2, 3]];
  const answers = await Promise.all(prompts.map((ids) => unordered.forward({ ids, positions: [0] })));
  t.deepEqual(
    answers,
    prompts.map(() => ({ rows: [fakeRow([1])] })),
  );
  const noisy = await load(t, 'warnings-on-standard-error');
  t.is((await askForward(noisy)).rows.length, 1);
});

test('no more requests are in flight than the program takes', async (t) => {
  // The program answers only when it has three; with a fourth it would have a different order.
  const model = await load(t, 'out-of-order', { maxConcurrency: 3 });
  const order: number[] = [];
  await Promise.all(
    [0, 1, 2, 3, 4, 5].map(async (i) => {
      await model.forward({ ids: [i], positions: [0] });
      order.push(i);
    }),
  );
  t.deepEqual(order, [2, 1, 0, 5, 4, 3]);
});

test('the children of a program end with it', async (t) => {
  const model = await load(t, 'leaves-a-child');
  const error = await t.throwsAsync(askForward(model), { instanceOf: NoAnswerError });
  const [, child] = /exit code 4; standard error ends:\n {2}\| child (\d+)$/.exec(error.message) ?? [];
  t.false(isRunning(Number(child)), error.message);
});

test('a request that is aborted rejects at once, and closing then ends the program at once', async (t) => {
  const model = await load(t, 'hang-in-the-middle');
  const controller = new AbortController();
  const waiting = model.forward({ ids: [1], positions: [0], signal: controller.signal });
  const queued = model.forward({ ids: [2], positions: [0], signal: controller.signal });
  const reason = new Error('stopped by the user');
  controller.abort(reason);
  t.is(await t.throwsAsync(waiting), reason);
  t.is(await t.throwsAsync(queued), reason);
  const begin = Date.now();
  await model.close();
  t.true(Date.now() - begin < limits.stopMs);
});

test('the signal of a subject ends the program in all its phases', async (t) => {
  const controller = new AbortController();
  const reason = new Error('stopped by the user');
  const starting = commandSubject(misbehaving('hang-at-start'), { signal: controller.signal });
  const model = await load(t, 'hang-in-the-middle', { signal: controller.signal });
  const asked = askForward(model);
  controller.abort(reason);
  t.is(await t.throwsAsync(starting), reason);
  t.is(await t.throwsAsync(asked), reason);
  t.is(await t.throwsAsync(commandSubject(misbehaving('honest'), { signal: controller.signal })), reason);
});

test('a program that ignores stop is killed after its grace', async (t) => {
  const model = await load(t, 'ignores-stop', { limits: { stopMs: 200 } });
  const begin = Date.now();
  await model.close();
  t.true(Date.now() - begin < 10_000);
});

test('a subject whose model was never loaded is closed by itself, and can be loaded again later', async (t) => {
  const subject = await commandSubject(misbehaving('honest'), { limits });
  t.deepEqual(subject.info, {
    name: 'fake',
    version: '1.2',
    language: 'TypeScript',
    issues: 'https://example.org/issues',
  });
  await subject.close();
  const model = await subject.load('/models/fake');
  t.is((await askForward(model)).rows.length, 1);
  await model.close();
});
