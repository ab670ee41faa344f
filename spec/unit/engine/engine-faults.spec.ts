import test, { type ExecutionContext } from 'ava';
import { Leader } from '../../../engine/distributed/leader.ts';
import type { Engine } from '../../../engine/engine.ts';
import {
  EngineBusyError,
  EngineClosedError,
  GroupError,
  KernelError,
  NonFiniteError,
} from '../../../engine/errors.ts';
import { createScalarKernels } from '../../../engine/kernels/scalar.ts';
import type { GenerateEvent, GenerateRequest } from '../../../engine/serving/requests.ts';
import { generateAll, generateOne } from '../../../verify/generate.ts';
import { trackResources } from '../../support/processes/cleanup.ts';
import type { TinyModel } from '../../support/properties/arbitraries.ts';
import { leakOf } from '../../support/serving/serving.ts';
import { denseModel, loadEngine } from './tiny-models.ts';

trackResources(test);

const GOOD: GenerateRequest[] = [
  { ids: [3, 0, 18, 7, 7, 11], maxNewTokens: 8 },
  { ids: [1, 2], maxNewTokens: 9, temperature: 1, seed: 4, n: 2 },
];
const BAD = { ids: [6, 5, 6], maxNewTokens: 6 };
/** The first and the last request are good ones. */
const around = (bad: GenerateRequest) => [GOOD[0], bad, GOOD[1]];

const fingerprints = (events: readonly GenerateEvent[]) =>
  events
    .flatMap((event) =>
      event.type === 'result' ? [[event.request, event.sample, event.result.fingerprint]] : [],
    )
    .sort((a, b) => String(a).localeCompare(String(b)));

/**
 * Serves a bad request among good ones, and holds the good ones to their bits alone.
 *
 * @returns the errors.
 */
async function errorsAmong(t: ExecutionContext, engine: Engine, bad: GenerateRequest): Promise<Error[]> {
  const [first, last] = [await generateAll(engine, [GOOD[0]]), await generateAll(engine, [GOOD[1]])];
  const alone = [...first, ...last.map((event) => ({ ...event, request: 2 }))];
  const events = await generateAll(engine, around(bad));
  const ofOthers = events.filter(({ request }) => request !== 1);
  t.is(fingerprints(alone).length, 3);
  t.deepEqual(fingerprints(ofOthers), fingerprints(alone));
  t.is(leakOf(engine.stats()), undefined);
  return events.flatMap((event) => (event.type === 'error' ? [event.error] : []));
}

/** A tokenizer whose n-th call of a method throws. */
function throwingTokenizer(method: 'createStream' | 'push' | 'end', call: number) {
  let calls = 0;
  const count = (called: string) => {
    if (called === method && ++calls === call) throw new Error(`${method} failed`);
    return '';
  };
  return {
    createStream: () => {
      count('createStream');
      return { push: () => count('push'), end: () => count('end') };
    },
  };
}

for (const [method, call] of [
  ['createStream', 1],
  ['createStream', 3],
  ['push', 2],
  ['end', 1],
] as const) {
  test(`a tokenizer that throws at call ${call} of ${method} fails its request alone`, async (t) => {
    const engine = await loadEngine(t, denseModel());
    const alone = fingerprints(await generateAll(engine, GOOD));
    const events = await generateAll(
      await loadEngine(t, denseModel(), { tokenizer: throwingTokenizer(method, call) }),
      GOOD,
    );
    const errors = events.filter((event) => event.type === 'error');
    t.deepEqual(
      errors.map(({ error }) => error.message),
      [`${method} failed`],
    );
    const failed = errors[0].request;
    const good = (all: typeof alone) => all.filter(([request]) => request !== failed);
    t.deepEqual(good(fingerprints(events)), good(alone));
    t.true(good(alone).length > 0);
  });
}

test('a signal that throws, also something that is no Error, fails its request alone', async (t) => {
  const engine = await loadEngine(t, denseModel());
  for (const thrown of [new Error('no signal'), 'no signal', undefined, Object.create(null)]) {
    let reads = 0;
    const signal = Object.create(AbortSignal.prototype, {
      aborted: {
        get() {
          if (++reads > 3) throw thrown;
          return false;
        },
      },
    });
    const [error, ...others] = await errorsAmong(t, engine, { ...BAD, signal });
    t.is(others.length, 0);
    t.true(error === thrown || error.cause === thrown, String(error));
  }
});

test('later changes of a request and of its prompt do not reach the engine', async (t) => {
  const engine = await loadEngine(t, denseModel());
  const { result: whole } = await generateOne(engine, BAD);
  const request = { ...BAD, ids: [...BAD.ids], returnLogits: false };
  const { result, events } = await generateOne(engine, request, () => {
    request.ids[0] = 1;
    request.ids.push(2);
    request.maxNewTokens = 2;
    request.returnLogits = true;
  });
  t.deepEqual(result.tokens, whole.tokens);
  t.is(result.fingerprint, whole.fingerprint);
  t.deepEqual(
    events.map(({ logits }) => logits),
    events.map(() => undefined),
  );
});

/** @param name of a weight, of which value `index` becomes NaN. */
function withNaN(name: string, index: number): TinyModel {
  const model = denseModel();
  const weight = model.weights.get(name)!;
  const data = Float64Array.from(weight.data);
  data[index] = Number.NaN;
  return { ...model, weights: new Map([...model.weights, [name, { ...weight, data }]]) };
}

test('NaN that one token causes ends the requests with it, names the first stage, and stays out of the others', async (t) => {
  // A value in the row of token 6, which the good requests do not have; rows have 13 values.
  const engine = await loadEngine(t, withNaN('model.embed_tokens.weight', 6 * 13 + 2), { blockSize: 2 });
  const message =
    'the logits at position 2 have NaN or infinity; the first are in hidden_states.0, at position 0: compare the ' +
    'weights and config.json with those that were published';
  for (const sampling of [{}, { temperature: 1, n: 3 }, { promptLogprobs: 1 }]) {
    const [error, ...others] = await errorsAmong(t, engine, { ...BAD, ...sampling });
    t.true(error instanceof NonFiniteError, String(error));
    t.is(error.message, 'promptLogprobs' in sampling ? message.replace('position 2', 'position 0') : message);
    t.is(others.length, 0);
  }
  t.throws(() => engine.forward([0, 1, 6], { positions: [1, 2] }), {
    instanceOf: NonFiniteError,
    message:
      /^the logits at position 2 have NaN or infinity; the first are in hidden_states\.0, at position 2: /,
  });
  t.notThrows(() => engine.forward([0, 1, 6], { positions: [0, 1] }));
});

test('NaN of a layer is found in that layer, beyond the first chunk of the prompt', async (t) => {
  const engine = await loadEngine(t, withNaN('model.layers.1.mlp.down_proj.weight', 0), { prefillChunk: 2 });
  t.throws(() => engine.forward([1, 2, 3], { positions: [2] }), {
    instanceOf: NonFiniteError,
    message: /; the first are in layers\.1\.mlp, at position 0: /,
  });
});

test('NaN in the logits alone is said to be there', async (t) => {
  const engine = await loadEngine(t, withNaN('lm_head.weight', 7));
  t.throws(() => engine.forward([1, 2]), {
    instanceOf: NonFiniteError,
    message: /^the logits at position 0 have NaN or infinity; the first are in the logits, at position 0: /,
  });
});

test('an observer that throws ends its forward pass alone, after the step', async (t) => {
  const engine = await loadEngine(t, denseModel(), { prefillChunk: 2 });
  const { logits } = engine.forward([1, 2, 3]);
  let calls = 0;
  const observe = () => {
    calls++;
    throw new Error('seen enough');
  };
  t.throws(() => engine.forward([1, 2, 3], { observe }), { message: 'seen enough' });
  t.is(calls, 1);
  t.deepEqual(engine.forward([1, 2, 3]).logits, logits);
  t.is(leakOf(engine.stats()), undefined);
});

test('an observer cannot compute with the engine that calls it, nor close it', async (t) => {
  const engine = await loadEngine(t, denseModel());
  const { logits } = engine.forward([1, 2, 3]);
  const refused: unknown[] = [];
  const observed = engine.forward([1, 2, 3], {
    observe(stage) {
      if (stage !== 'layers.0.mlp') return;
      t.throws(() => engine.forward([4]), {
        instanceOf: EngineBusyError,
        message: /^forward\(\) was called while a step is computed; call it after/,
      });
      t.throws(() => engine.checkRanks(), {
        instanceOf: EngineBusyError,
        message: /^checkRanks\(\) was called while a step is computed; call it after/,
      });
      void engine.close().catch((error) => refused.push(error));
    },
  });
  await Promise.resolve();
  t.is(String(refused), `EngineBusyError: ${new EngineBusyError('close()').message}`);
  t.deepEqual(observed.logits, logits);
});

test.serial('a rank that has ended is an error of every later use', async (t) => {
  const engine = await loadEngine(t, denseModel());
  const { checkRanks } = Leader.prototype;
  const restore = () => Object.assign(Leader.prototype, { checkRanks });
  t.teardown(restore);
  const error = new GroupError('Rank 1 was killed by SIGKILL', [1]);
  Leader.prototype.checkRanks = () => {
    throw error;
  };
  for (const use of [() => engine.checkRanks(), () => engine.checkRanks(), () => engine.forward([1])]) {
    t.is(t.throws(use), error);
    restore();
  }
  t.is(await t.throwsAsync(generateAll(engine, GOOD)), error);
});

test.serial('an engine that is closed twice ends its ranks once', async (t) => {
  const { close } = Leader.prototype;
  t.teardown(() => Object.assign(Leader.prototype, { close }));
  const engine = await loadEngine(t, denseModel());
  let closed = 0;
  Leader.prototype.close = async () => {
    closed++;
  };
  await Promise.all([engine.close(), engine.close()]);
  await engine.close();
  t.is(closed, 1);
});

test('a step that fails is an error for every caller, now and later, and none waits', async (t) => {
  const kernels = createScalarKernels();
  const engine = await loadEngine(t, denseModel(), { kernels });
  const { add } = kernels;
  let hasFailed = false;
  // Once, after other steps of both callers.
  kernels.add = (...args) => {
    if (engine.stats().steps >= 2 && !hasFailed) {
      hasFailed = true;
      throw new KernelError('no memory');
    }
    add.apply(kernels, args);
  };
  const expected = { instanceOf: KernelError, message: 'no memory' };
  await Promise.all(GOOD.map((request) => t.throwsAsync(generateAll(engine, [request]), expected)));
  await t.throwsAsync(generateAll(engine, GOOD), expected);
  t.throws(() => engine.forward([1]), expected);
  t.throws(() => engine.checkRanks(), expected);
  t.is(leakOf(engine.stats()), undefined);
  await engine.close();
  t.throws(() => engine.forward([1]), { instanceOf: EngineClosedError });
});
