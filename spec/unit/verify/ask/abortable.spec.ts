import { getEventListeners } from 'node:events';
import test from 'ava';
import { loadAbortable, unlessAborted, untilAborted } from '../../../../verify/ask/abortable.ts';
import type { Subject, SubjectModel } from '../../../../verify/subject.ts';
import { fakeSubject } from '../../../support/verify/fake-subject.ts';

const never = () => new Promise<never>(() => {});
const subjectOf = (load: () => Promise<SubjectModel>): Subject => ({ info: { name: 'fake' }, load });
const STOPPED = new Error('stopped');

test('a task is waited for until the signal, and its failure after that is ignored', async (t) => {
  const { signal } = new AbortController();
  t.is(await untilAborted(signal, async () => 5), 5);
  t.is(await untilAborted(undefined, async () => 6), 6);
  await t.throwsAsync(
    untilAborted(signal, () => Promise.reject(new Error('its own'))),
    { message: 'its own' },
  );
  const controller = new AbortController();
  const { promise, reject } = Promise.withResolvers<never>();
  const waiting = untilAborted(controller.signal, () => promise);
  controller.abort(STOPPED);
  t.is(await t.throwsAsync(waiting), STOPPED);
  // An unhandled rejection would fail the run.
  reject(new Error('too late'));
  let isBegun = false;
  const late = untilAborted(controller.signal, async () => {
    isBegun = true;
  });
  t.is(await t.throwsAsync(late), STOPPED);
  t.false(isBegun);
  t.deepEqual(
    [signal, controller.signal].map((each) => getEventListeners(each, 'abort').length),
    [0, 0],
  );
});

test('each call of a model that ignores the signal ends at the signal', async (t) => {
  const calls: readonly ((model: SubjectModel) => Promise<unknown>)[] = [
    (model) => model.forward({ ids: [1], positions: [0] }),
    (model) => model.generate({ ids: [1], maxNewTokens: 1 }),
    (model) => model.tokenize!('a'),
    (model) => model.tokenizeChat!({ messages: [] }),
    (model) => model.countTokens!('a'),
  ];
  const all = { forward: never, generate: never, tokenize: never, tokenizeChat: never, countTokens: never };
  const hanging = fakeSubject(all);
  for (const call of calls) {
    const controller = new AbortController();
    const model = await loadAbortable(
      subjectOf(async () => hanging),
      '',
      controller.signal,
    );
    const answer = call(model);
    controller.abort(STOPPED);
    t.is(await t.throwsAsync(answer), STOPPED);
  }
});

test('an engine that never lets go of the event loop is not asked after the signal', async (t) => {
  const controller = new AbortController();
  let asked = 0;
  const blocking = fakeSubject({
    forward: async () => {
      asked++;
      return { rows: [] };
    },
  });
  const model = await loadAbortable(
    subjectOf(async () => blocking),
    '',
    controller.signal,
  );
  // Arrives when the event loop turns, as a signal of the terminal does.
  setImmediate(() => controller.abort(STOPPED));
  const ask = async () => {
    for (;;) await model.forward({ ids: [1], positions: [0] });
  };
  t.is(await t.throwsAsync(ask()), STOPPED);
  t.is(asked, 0, 'the signal had arrived');
});

test('a model answers and is described as before, and lacks what it lacked', async (t) => {
  const { signal } = new AbortController();
  const plain = fakeSubject({
    async tokenize(text) {
      // A method of its model, as those of classes are.
      return [text.length, this.capabilities!.maxConcurrency];
    },
  });
  const model = await loadAbortable(
    subjectOf(async () => plain),
    '',
    signal,
  );
  t.is(model.capabilities, plain.capabilities);
  t.deepEqual(await model.tokenize!('abc'), [3, 4]);
  t.is(model.tokenizeChat, undefined);
  const request = { ids: [1, 2], maxNewTokens: 3 };
  t.deepEqual(await model.generate(request), await plain.generate(request));
  const without = subjectOf(async () => plain);
  t.is(await loadAbortable(without, '', undefined), plain);
});

test('a model that is loaded after the signal is closed', async (t) => {
  const controller = new AbortController();
  const { promise, resolve } = Promise.withResolvers<SubjectModel>();
  const { promise: closed, resolve: close } = Promise.withResolvers<void>();
  const loading = loadAbortable(
    subjectOf(() => promise),
    '',
    controller.signal,
  );
  controller.abort(STOPPED);
  t.is(await t.throwsAsync(loading), STOPPED);
  resolve(fakeSubject({ close: async () => close() }));
  await closed;
  t.pass();
});

test('a task gives nothing if the signal was aborted, and else its own failure', async (t) => {
  t.is(await unlessAborted(undefined, async () => 5), 5);
  t.is(await unlessAborted(AbortSignal.abort(STOPPED), async () => 5), undefined);
  const controller = new AbortController();
  const failing = () => Promise.reject(STOPPED);
  t.is(await t.throwsAsync(unlessAborted(controller.signal, failing)), STOPPED);
  const aborting = async () => {
    controller.abort();
    throw STOPPED;
  };
  t.is(await unlessAborted(controller.signal, aborting), undefined);
});
