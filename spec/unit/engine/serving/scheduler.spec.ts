import test from 'ava';
import { Sequence } from '../../../../engine/serving/sequence.ts';
import { setUp, show } from './bookkeeping.ts';

test('a step without sequences is empty', (t) => {
  t.deepEqual(setUp({}).scheduler.schedule(), { spans: [], copies: [], preempted: [] });
});

test('prompts and generated tokens are computed in one step', (t) => {
  const { add, step, scheduler } = setUp({});
  add(5);
  t.is(step(), '1:5');
  add(3);
  t.is(step(), '1:1 2:3');
  t.is(step(), '1:1 2:1');
  t.deepEqual([scheduler.numRunning, scheduler.numWaiting], [2, 0]);
});

test('a prompt is computed in chunks', (t) => {
  const { add, step } = setUp({ prefillChunk: 3 });
  add(7);
  t.deepEqual([step(), step(), step(), step()], ['1:3', '1:3', '1:1', '1:1']);
});

test('a sequence that no other is ready beside has chunks of its own size', (t) => {
  const { add, step, scheduler } = setUp({ prefillChunk: 3, prefillChunkAlone: 8, maxBatchTokens: 10 });
  const first = add(30);
  t.is(step(), '1:8');
  const second = add(5);
  t.deepEqual([step(), step()], ['1:3 2:3', '1:3 2:2']);
  second.paused = true;
  t.is(step(), '1:8', 'a paused one takes no place');
  second.paused = false;
  scheduler.remove(first);
  t.is(step(), '2:1');
});

test('the budget of a step is shared in order of arrival', (t) => {
  const { add, step, scheduler } = setUp({ maxBatchTokens: 5 });
  for (const numTokens of [3, 4, 1]) add(numTokens);
  t.is(step(), '1:3 2:2');
  t.deepEqual([scheduler.numRunning, scheduler.numWaiting], [2, 1]);
  t.is(step(), '1:1 2:2 3:1');
});

test('at most maxBatch sequences run', (t) => {
  const { add, step, scheduler } = setUp({ maxBatch: 2 });
  const [first] = [add(1), add(1), add(1)];
  t.is(step(), '1:1 2:1');
  t.is(step(), '1:1 2:1');
  scheduler.remove(first);
  t.is(step(), '2:1 3:1');
});

test('a sequence with nothing to compute is passed over', (t) => {
  const { add, scheduler, blocks } = setUp({});
  const sequence = add(2);
  blocks.commit(scheduler.schedule().spans[0].sequence, 2);
  t.is(show(scheduler.schedule()), '');
  t.is(scheduler.numRunning, 1);
  sequence.append(9);
  t.is(show(scheduler.schedule()), '1:1');
});

test('a cached prefix is not computed again', (t) => {
  const { add, step, scheduler, blocks } = setUp({ prefixCaching: true, prefillChunk: 4 });
  add(5);
  step();
  scheduler.add(new Sequence(2, {}, [100, 101, 102, 103, 7, 8, 9]));
  t.is(step(), '1:1 2:3');
  t.is(blocks.stats().savedTokens, 4);
});

test('a removed sequence holds no blocks, whether it was running, waiting or removed before', (t) => {
  const { add, scheduler, blocks } = setUp({ maxBatch: 1 });
  const [first, second] = [add(3), add(3)];
  scheduler.schedule();
  t.true(scheduler.remove(second));
  t.true(scheduler.remove(first));
  t.false(scheduler.remove(first));
  t.deepEqual([scheduler.numRunning, scheduler.numWaiting, blocks.stats().used], [0, 0, 0]);
});

test('a sequence is added once', (t) => {
  const { add, scheduler } = setUp({});
  const [first, second] = [add(1), add(1)];
  const error = { instanceOf: RangeError, message: 'sequence 1 is added, but it is scheduled already' };
  t.throws(() => scheduler.add(first), error);
  t.throws(() => scheduler.fork(second, [first]), error);
});

test('a sequence that would not fit alone is refused', (t) => {
  const { add, scheduler } = setUp({ numBlocks: 2 });
  t.throws(() => add(5), {
    instanceOf: RangeError,
    message: 'sequence 1 has 5 tokens; the cache holds 4 (2 blocks of 2)',
  });
  t.is(scheduler.numWaiting, 0);
});

test('a sequence that outgrows the cache stops the step before anything has changed', (t) => {
  const { add, step, scheduler, blocks } = setUp({ numBlocks: 2 });
  add(1);
  const second = add(2);
  step();
  second.append(9);
  second.append(9);
  t.throws(() => scheduler.schedule(), { instanceOf: RangeError, message: /^sequence 2 has 5 tokens/ });
  t.deepEqual([scheduler.numRunning, blocks.stats().used], [2, 2]);
  scheduler.remove(second);
  t.is(step(), '1:1');
});

test('options that are not positive whole numbers are refused', (t) => {
  for (const name of ['maxBatch', 'maxBatchTokens', 'prefillChunk']) {
    for (const value of [0, -1, 1.5, NaN]) {
      t.throws(() => setUp({ [name]: value }), {
        instanceOf: RangeError,
        message: `${name} is ${value}; expected a whole number, 1 or more`,
      });
    }
  }
});
