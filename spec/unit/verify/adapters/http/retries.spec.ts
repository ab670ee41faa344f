import test from 'ava';
import {
  busyPause,
  connectionPause,
  isBusy,
  SYSTEM_CLOCK,
} from '../../../../../verify/adapters/http/retries.ts';

const NOW = Date.parse('2026-01-01T00:00:00Z');

test('a busy server is asked again after the pause it names, in seconds or as a date, a minute at most', (t) => {
  t.is(busyPause('7', 1, NOW), 7000);
  t.is(busyPause('Thu, 01 Jan 2026 00:00:09 GMT', 1, NOW), 9000);
  t.is(busyPause('3600', 1, NOW), 60_000);
  t.is(busyPause(' 7 ', 1, NOW), 7000);
});

test('without a pause that can be kept, pauses double up to a minute', (t) => {
  for (const header of [undefined, '', 'soon', '0', 'Wed, 31 Dec 2025 00:00:00 GMT']) {
    t.is(busyPause(header, 1, NOW), 500, header);
  }
  t.deepEqual(
    [1, 2, 3, 8, 2000].map((tries) => busyPause(undefined, tries, NOW)),
    [500, 1000, 2000, 60_000, 60_000],
  );
});

test('pauses between failed connections grow fourfold', (t) => {
  t.deepEqual([1, 2, 3].map(connectionPause), [100, 400, 1600]);
});

test('429 and 503 mean later, other statuses do not', (t) => {
  t.deepEqual([200, 400, 429, 500, 502, 503].filter(isBusy), [429, 503]);
});

test("the system's clock stops waiting at the signal", async (t) => {
  const reason = new Error('stop');
  const waiting = SYSTEM_CLOCK.wait(60_000, AbortSignal.abort(reason));
  t.is((await t.throwsAsync(waiting as Promise<unknown>)).name, 'AbortError');
  t.true(Math.abs(SYSTEM_CLOCK.now() - Date.now()) < 1000);
});
