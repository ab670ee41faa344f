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
  t.throws(() => scheduler.schedule(), {
    instanceOf: RangeError,
    message: 'sequence 2 has 5 tokens; the cache holds 4 (2 blocks of 2)',
  });
  t.deepEqual([scheduler.numRunning, blocks.stats().used], [2, 2]);
  scheduler.remove(second);
  t.is(step(), '1:1');
});

test('a chunk alone is as long as the others, and nothing is drafted, unless the options say so', (t) => {
  const given = { maxBatch: 3, maxBatchTokens: 20, prefillChunk: 7 };
  t.deepEqual(setUp(given).scheduler.options, { ...given, prefillChunkAlone: 7, promptLookup: 0 });
  const all = { ...given, prefillChunkAlone: 9, promptLookup: 4 };
  t.deepEqual(setUp(all).scheduler.options, all);
});

/** What each draft has room for, and the drafts that come of it. */
function drafts(options: Parameters<typeof setUp>[0], prompts: readonly number[], length = 99) {
  const { add, step, scheduler } = setUp(options);
  for (const numTokens of prompts) add(numTokens);
  step();
  const asked: string[] = [];
  const { spans } = scheduler.schedule((sequence, most) => {
    asked.push(`${sequence.id}:${most}`);
    return Array(Math.min(length, most)).fill(7);
  });
  return [asked.join(' '), spans.map(({ draft }) => draft.length).join(' ')];
}

test('a draft takes what is left of a step and of a chunk, the first sequences first', (t) => {
  t.deepEqual(drafts({ promptLookup: 5 }, [1]), ['1:5', '5'], 'the most drafted, beside one token');
  t.deepEqual(drafts({ promptLookup: 5 }, [1, 1, 1]), ['1:3', '3 0 0'], 'all tokens of the step count');
  t.deepEqual(drafts({ promptLookup: 5 }, [1, 1, 1], 1), ['1:3 2:2 3:1', '1 1 1']);
  t.deepEqual(drafts({ promptLookup: 9, prefillChunk: 4 }, [1]), ['1:3', '3']);
  t.deepEqual(drafts({ promptLookup: 9, maxBatchTokens: 6 }, [1, 1]), ['1:4', '4 0']);
  t.deepEqual(drafts({ promptLookup: 0 }, [1]), ['', '0']);
  t.deepEqual(drafts({ promptLookup: 5 }, [1], 0), ['1:5', '0']);
});

test('a draft without blocks is left out, and one with blocks has them after the step', (t) => {
  const { add, step, scheduler, blocks } = setUp({ promptLookup: 5, numBlocks: 2 });
  const sequence = add(2);
  step();
  const propose = (length: number) => scheduler.schedule(() => Array(length).fill(7));
  t.deepEqual(propose(2).spans, [{ sequence, numTokens: 1, draft: [] }]);
  t.deepEqual(propose(1).spans, [{ sequence, numTokens: 1, draft: [7] }]);
  t.is(sequence.blockTable.length, 2);
  blocks.commit(sequence, 1);
  t.is(sequence.numUncomputedTokens, 0);
});

test('a prompt and its end are not drafted', (t) => {
  const { add, scheduler, blocks } = setUp({ promptLookup: 9, prefillChunk: 2 });
  const sequence = add(5);
  const step = () => {
    const { spans } = scheduler.schedule(() => [7]);
    blocks.commit(sequence, spans[0].numTokens);
    return spans.map(({ numTokens, draft }) => [numTokens, draft.length]);
  };
  t.deepEqual([step(), step(), step()], [[[2, 0]], [[2, 0]], [[1, 0]]]);
  for (const token of [8, 8, 8]) sequence.append(token);
  t.deepEqual([step(), step()], [[[2, 0]], [[1, 1]]], 'nor what is computed again after it');
});

test('options that are not positive whole numbers are refused', (t) => {
  for (const name of ['maxBatch', 'maxBatchTokens', 'prefillChunk', 'prefillChunkAlone']) {
    for (const value of [0, -1, 1.5, NaN]) {
      t.throws(() => setUp({ [name]: value }), {
        instanceOf: RangeError,
        message: `${name} is ${value}; expected a whole number, 1 or more`,
      });
    }
  }
});
