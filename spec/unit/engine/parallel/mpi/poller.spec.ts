import test from 'ava';
import { Poller } from '../../../../../engine/parallel/mpi/poller.ts';

test('a poller returns at once if no rank is pending', (t) => {
  new Poller({ spins: false }).until(
    () => [],
    () => t.fail('there is nothing to check'),
  );
  t.pass();
});

test('a poller checks the ranks that are pending after each poll, with the time waited', (t) => {
  for (const spins of [true, false]) {
    const pending = [[1, 2], [2], []];
    const checked: (readonly number[])[] = [];
    let last = 0;
    new Poller({ spins }).until(
      () => pending.shift() ?? [],
      (missing, waitedMs) => {
        checked.push(missing);
        t.true(waitedMs >= last);
        last = waitedMs;
      },
    );
    t.deepEqual(checked, [[1, 2], [2]]);
  }
});

test('an error of the check ends the wait', (t) => {
  let polls = 0;
  const poll = () => {
    polls++;
    return [1];
  };
  const check = (_: readonly number[], waitedMs: number) => {
    if (waitedMs >= 150) throw new Error('too late');
  };
  t.throws(() => new Poller({ spins: true }).until(poll, check), { message: 'too late' });
  t.true(polls > 10, `${polls} polls: it sleeps for less than 1 ms at first`);
});

/** The times of all checks of a wait of `ms`. */
function checkTimes(spins: boolean, ms: number): number[] {
  const times: number[] = [];
  const check = (_: readonly number[], waitedMs: number) => {
    times.push(waitedMs);
    if (waitedMs >= ms) throw new Error('too late');
  };
  try {
    new Poller({ spins }).until(() => [1], check);
  } catch {
    // It waited as long as it should.
  }
  return times;
}

test('a poller without a core of its own sleeps at least 0.02 ms between polls', (t) => {
  const times = checkTimes(false, 0.2);
  t.true(times.length <= 12, `${times.length} polls in 0.2 ms`);
});

test('a poller that has waited for 100 ms sleeps 1 ms between polls', (t) => {
  for (const spins of [true, false]) {
    const times = checkTimes(spins, 130).filter((ms) => ms > 100);
    t.true(times.length <= 32, `${times.length} polls in 30 ms`);
  }
});
