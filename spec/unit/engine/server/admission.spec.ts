import test from 'ava';
import { Admission } from '../../../../engine/server/admission.ts';

test('sequences are admitted while the queue has room, and make room when they end', (t) => {
  const admission = new Admission({ maxBatch: 2, maxQueue: 1 });
  const ends = [admission.admit(1), admission.admit(1), admission.admit(1)];
  const message = 'cannot queue the request: 1 sequences wait already, of at most 1; ask again later';
  t.like(
    t.throws(() => admission.admit(1), { message }),
    { status: 429, retryAfter: 1 },
  );
  t.is(admission.open, 3);
  ends[0]();
  ends[0]();
  t.is(admission.open, 2, 'a second call ends nothing');
  t.notThrows(() => admission.admit(1));
});

test('a request of many sequences is admitted when there is room for one', (t) => {
  const admission = new Admission({ maxBatch: 1, maxQueue: 0 });
  const end = admission.admit(5);
  t.throws(() => admission.admit(1), {
    message: 'cannot queue the request: 4 sequences wait already, of at most 0; ask again later',
  });
  t.is(admission.open, 5);
  end();
  t.is(admission.open, 0);
});
