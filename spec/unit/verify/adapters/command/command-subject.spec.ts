import { mock } from 'node:test';
import test from 'ava';
import { OptionError, UsageError } from '../../../../../engine/errors.ts';
import { commandSubject } from '../../../../../verify/adapters/command/command-subject.ts';
import { NoAnswerError } from '../../../../../verify/errors.ts';
import { EngineSession } from '../../../../../verify/protocol/session.ts';
import { misbehaving } from '../../../../support/adapters/misbehaving-command.ts';
import { trackResources } from '../../../../support/processes/cleanup.ts';

trackResources(test);

test('a subject says what the program is, and each model has a process of its own', async (t) => {
  const subject = await commandSubject(misbehaving('honest'));
  t.like(subject.info, { name: 'fake', version: '1.2', language: 'TypeScript' });
  const [one, two] = [await subject.load('/m'), await subject.load('/m')];
  await one.close();
  t.is((await two.forward({ ids: [1], positions: [0] })).rows.length, 1);
  await two.close();
  await t.notThrowsAsync(subject.close());
});

test.serial(
  'each request has the time limit of its kind, and one that is not given its default',
  async (t) => {
    const { prototype } = EngineSession;
    const seen: string[] = [];
    const { request, close } = prototype;
    const spies = [
      mock.method(prototype, 'request', function (this: EngineSession, ...args: Parameters<typeof request>) {
        seen.push(`${args[0]} ${args[2].limitMs}`);
        return Reflect.apply(request, this, args);
      } as typeof request),
      mock.method(prototype, 'close', function (this: EngineSession, limitMs: number) {
        seen.push(`close ${limitMs}`);
        return Reflect.apply(close, this, [limitMs]);
      }),
    ];
    t.teardown(() => {
      for (const spy of spies) spy.mock.restore();
    });
    const all = { startMs: 30_001, loadMs: 30_002, requestMs: 30_003, stopMs: 30_004 };
    for (const [limits, expected] of [
      [{}, ['start 60000', 'load 600000', 'forward 600000', 'close 5000']],
      [all, ['start 30001', 'load 30002', 'forward 30003', 'close 30004']],
    ] as const) {
      const subject = await commandSubject(misbehaving('honest'), { limits });
      const model = await subject.load('/m');
      await model.forward({ ids: [1], positions: [0] });
      await model.close();
      t.deepEqual(seen.splice(0), expected);
    }
    const unused = await commandSubject(misbehaving('honest'));
    await unused.close();
    await unused.close();
    t.deepEqual(seen.splice(0), ['start 60000', 'close 5000'], 'a program that was not used is closed once');
  },
);

test('the signal ends a program, and a line has the length that is allowed', async (t) => {
  const reason = new Error('Ctrl-C');
  const ended = commandSubject(misbehaving('honest'), { signal: AbortSignal.abort(reason) });
  t.is(await t.throwsAsync(ended), reason);
  await t.throwsAsync(commandSubject(misbehaving('honest'), { maxLineBytes: 8 }), {
    message: /longer than 8 bytes|8 bytes/,
  });
});

test('a command that cannot be understood or started is refused', async (t) => {
  await t.throwsAsync(commandSubject("'open"), { instanceOf: UsageError });
  await t.throwsAsync(commandSubject(['no-such-engine']), { instanceOf: NoAnswerError });
  // Timers of more than 24.8 days fire at once: the first request would have no answer.
  for (const name of ['startMs', 'loadMs', 'requestMs', 'stopMs'] as const) {
    for (const ms of [2 ** 31, 0, 1.5, Number.POSITIVE_INFINITY]) {
      await t.throwsAsync(commandSubject(['no-such-engine'], { limits: { [name]: ms } }), {
        instanceOf: OptionError,
        message: new RegExp(`limits\\.${name} is .*whole number from 1 to 2147483647`),
      });
    }
  }
});
