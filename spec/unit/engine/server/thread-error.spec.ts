import test from 'ava';
import { OptionError, PlumblineError, PromptError } from '../../../../engine/errors.ts';
import { ThreadError, toErrorData } from '../../../../engine/server/thread-error.ts';

test('an error keeps class, message, stack and option on its way between threads', (t) => {
  const sent = new OptionError('stop[1]', 3, 'a string');
  const received = new ThreadError(structuredClone(toErrorData(sent)));
  t.true(received instanceof PlumblineError);
  const { kind, message, option, stack } = received;
  t.deepEqual(
    { kind, message, option, stack },
    { kind: 'OptionError', message: 'stop[1] is 3; expected a string', option: 'stop[1]', stack: sent.stack },
  );
  t.is(new ThreadError(toErrorData(new PromptError('too long'))).option, undefined);
});

test('a thrown value that is no error becomes one', (t) => {
  const { kind, message } = new ThreadError(toErrorData('broken'));
  t.deepEqual([kind, message], ['Error', 'broken']);
});
