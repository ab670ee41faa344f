import test from 'ava';
import { PlumblineError } from '../../../engine/errors.ts';
import { NoAnswerError, NotSupportedError, SubjectError } from '../../../verify/errors.ts';

test('each outcome that is no answer has an error of its own, which commands print without a stack', (t) => {
  for (const Outcome of [NotSupportedError, SubjectError, NoAnswerError]) {
    const error = new Outcome('forward of "ids-short": found nothing; expected 3 rows', { cause: 'why' });
    t.true(error instanceof PlumblineError);
    t.is(error.name, Outcome.name);
    t.is(error.cause, 'why');
  }
  t.false(new NoAnswerError('') instanceof SubjectError);
});
