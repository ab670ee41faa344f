import test from 'ava';
import { OptionError, UsageError } from '../../../../../engine/errors.ts';
import { commandSubject } from '../../../../../verify/adapters/command/command-subject.ts';
import { NoAnswerError } from '../../../../../verify/errors.ts';
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
