import test from 'ava';
import { Sequence } from '../../../../engine/serving/sequence.ts';
import { prompt, setUp, show } from './bookkeeping.ts';

test('when blocks run out, the sequence that arrived last is preempted, and resumes first', (t) => {
  const { add, step, scheduler } = setUp({ numBlocks: 3 });
  const [first, second] = [add(2), add(2)];
  t.is(step(), '1:2 2:2');
  add(1);
  // One block is left and both need one: the second is preempted, and no sequence is admitted in the same
  // step.
  t.is(step(), '1:1 -2');
  t.deepEqual([second.numComputedTokens, second.blockTable], [0, []]);
  t.deepEqual([scheduler.numRunning, scheduler.numWaiting, scheduler.numPreemptions], [1, 2, 1]);
  // One block is enough for the third, but the second, which needs two, comes before it.
  t.is(step(), '1:1');
  scheduler.remove(first);
  t.is(step(), '2:3 3:1');
});

test('several sequences can be preempted for one, and keep their order', (t) => {
  const { add, step, scheduler } = setUp({ numBlocks: 5, prefillChunk: 4, maxBatchTokens: 7 });
  const [first] = [add(9), add(1), add(1), add(1)];
  t.is(step(), '1:4 2:1 3:1 4:1');
  t.is(step(), '1:4 2:1 -4 -3');
  t.is(step(), '1:1 -2');
  t.is(scheduler.numWaiting, 3);
  scheduler.remove(first);
  t.is(step(), '2:3 3:2 4:2');
});

test('the first sequence is never preempted, and waiting ones are admitted after it', (t) => {
  const { add, step, scheduler } = setUp({ numBlocks: 4, prefillChunk: 2 });
  const first = add(2);
  t.is(step(), '1:2');
  add(7);
  add(1);
  const steps = (count: number) => Array.from({ length: count }, step);
  t.deepEqual(steps(5), ['1:1 2:2 3:1', '1:1 2:2 -3', '1:1 -2', '1:1 2:2', '1:1 -2']);
  scheduler.remove(first);
  t.deepEqual(steps(4), ['2:2 3:2', '2:2 3:1', '2:2 -3', '2:1']);
});

test('no sequence is admitted in a step that preempts, even if blocks are left', (t) => {
  const { add, step } = setUp({ numBlocks: 4 });
  const [first] = [add(1), add(4), add(3)];
  first.paused = true;
  t.is(step(), '2:4 3:3');
  first.paused = false;
  t.is(step(), '2:1 -3');
  t.is(step(), '2:1 1:1');
});

test('no sequence overtakes the first waiting one', (t) => {
  const { add, step, scheduler } = setUp({ numBlocks: 4 });
  const first = add(4);
  t.is(step(), '1:4');
  add(6);
  add(1);
  t.is(step(), '1:1');
  scheduler.remove(first);
  t.is(step(), '2:6 3:1');
});

test('a paused sequence is not scheduled, and keeps its blocks and its place', (t) => {
  const { add, step } = setUp({});
  const first = add(3);
  add(1);
  step();
  first.paused = true;
  t.is(step(), '2:1');
  t.is(first.numComputedTokens, 3);
  first.paused = false;
  t.is(step(), '1:1 2:1');
});

test('a paused sequence takes no place in the batch, which never exceeds maxBatch', (t) => {
  const { add, step } = setUp({ maxBatch: 1 });
  const first = add(1);
  add(1);
  step();
  first.paused = true;
  t.is(step(), '2:1');
  first.paused = false;
  t.is(step(), '1:1');
});

test('a waiting sequence that is paused does not hold up later ones', (t) => {
  const { add, step } = setUp({});
  const first = add(1);
  first.paused = true;
  add(1);
  t.is(step(), '2:1');
  first.paused = false;
  t.is(step(), '2:1 1:1');
});

test('a paused sequence is preempted for a running one without free blocks', (t) => {
  const { add, step } = setUp({ numBlocks: 2 });
  const first = add(2);
  add(2);
  step();
  first.paused = true;
  t.is(step(), '2:1 -1');
});

test('a paused sequence is preempted for one that is admitted', (t) => {
  const { add, step } = setUp({ numBlocks: 2 });
  const first = add(4);
  step();
  first.paused = true;
  add(3);
  t.is(step(), '2:3 -1');
});

test('forked sequences continue their parent, and come right after it in order of arrival', (t) => {
  const { add, scheduler, blocks } = setUp({ maxBatch: 1 });
  const parent = add(3);
  const next = add(1);
  blocks.commit(parent, scheduler.schedule().spans[0].numTokens);
  const children = [10, 11].map((id) => new Sequence(id, {}, parent.tokens));
  scheduler.fork(parent, children);
  for (const sequence of [parent, ...children]) sequence.append(sequence.id);
  for (const [sequence, copies] of [
    [parent, [{ from: 1, to: 2 }]],
    // The parent's block is free by then, so the child's copy may go there; the last to write needs none.
    [children[0], [{ from: 1, to: 2 }]],
    [children[1], []],
    [next, []],
  ] as const) {
    const step = scheduler.schedule();
    t.is(show(step), `${sequence.id}:1`);
    t.deepEqual(step.copies, [...copies]);
    scheduler.remove(sequence);
  }
});

test('a waiting forked sequence is preempted for one before it', (t) => {
  const { add, scheduler, blocks } = setUp({ numBlocks: 2, maxBatch: 1 });
  const parent = add(3);
  blocks.commit(parent, scheduler.schedule().spans[0].numTokens);
  const child = new Sequence(10, {}, parent.tokens);
  scheduler.fork(parent, [child]);
  for (const sequence of [parent, child]) sequence.append(sequence.id);
  t.is(show(scheduler.schedule()), '1:1 -10');
});

test('a waiting sequence takes the blocks of a later waiting one', (t) => {
  const { add, scheduler, blocks } = setUp({ numBlocks: 2, maxBatch: 1 });
  const first = add(3);
  const parent = add(3);
  first.paused = true;
  blocks.commit(parent, scheduler.schedule().spans[0].numTokens);
  const child = new Sequence(10, {}, [...parent.tokens, 9]);
  scheduler.fork(parent, [child]);
  scheduler.remove(parent);
  first.paused = false;
  t.is(show(scheduler.schedule()), '1:3 -10');
});

test('a preempted sequence is not admitted again in the same step', (t) => {
  const { add, scheduler, blocks } = setUp({ numBlocks: 3, prefillChunk: 4 });
  const first = add(1);
  const parent = add(5);
  first.paused = true;
  for (const _ of ['4 tokens', '1 token']) blocks.commit(parent, scheduler.schedule().spans[0].numTokens);
  const child = new Sequence(10, {}, [...parent.tokens, 9]);
  scheduler.fork(parent, [child]);
  scheduler.remove(parent);
  first.paused = false;
  t.is(show(scheduler.schedule()), '1:1 -10');
});

test('a waiting sequence takes no blocks from running ones', (t) => {
  const { add, step } = setUp({ numBlocks: 2 });
  const [first] = [add(2), add(3)];
  first.paused = true;
  t.is(step(), '2:3');
  first.paused = false;
  t.is(step(), '2:1');
});

test('only a scheduled sequence can be forked', (t) => {
  const { scheduler } = setUp({});
  t.throws(() => scheduler.fork(prompt(1, 1), []), {
    instanceOf: RangeError,
    message: 'sequence 1 is forked, but it is not scheduled',
  });
});
