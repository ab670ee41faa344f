import { inspect } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import {
  Engine,
  EngineClosedError,
  type ForwardOptions,
  type GenerateRequest,
  KernelError,
  type LoadOptions,
  OptionError,
  PlumblineError,
  type PlumblineError as PublicError,
  parseModelConfig,
  readModelConfig,
  ShardingError,
} from '../../../engine/index.ts';
import { createWasmKernels } from '../../../engine/kernels/wasm.ts';
import { generateAll } from '../../../verify/generate.ts';
import { trackResources } from '../../support/processes/cleanup.ts';
import { DENSE_CONFIG, denseModel, loadEngine, modelDirectory } from './tiny-models.ts';

trackResources(test);

/** Wrong values of an option, and what its error says is expected. */
interface Wrong {
  values: readonly unknown[];
  expected: RegExp;
  /** Which part of the option is named. Default: the option. */
  named?: RegExp;
}

const NOT_A_NUMBER = ['4', '', null, true, {}, [1], 5n, Symbol('4'), () => 4];
const NOT_FINITE = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
const count = (least: number, most: number, others: readonly unknown[] = []): Wrong => ({
  values: [...NOT_A_NUMBER, ...NOT_FINITE, least - 1, -7, 1.5, most + 1, 1e300, ...others],
  expected: new RegExp(`^a whole number from ${least} to ${most}`),
});
const number = (values: readonly number[], expected: RegExp): Wrong => ({
  values: [...NOT_A_NUMBER, ...NOT_FINITE, ...values],
  expected,
});
const COUNT = count(1, 2 ** 31 - 1);
const BOOLEAN: Wrong = { values: ['yes', '', 0, 1, null, {}, Number.NaN], expected: /^true or false$/ };
const FUNCTION: Wrong = { values: ['f', 1, null, {}, true], expected: /^a function$/ };

/** Every option of the engine: TypeScript refuses a table in which one is missing. */
const LOAD: Record<keyof LoadOptions, Wrong> = {
  cacheTokens: COUNT,
  blockSize: COUNT,
  maxBatch: COUNT,
  maxBatchTokens: COUNT,
  prefillChunk: COUNT,
  prefixCaching: BOOLEAN,
  promptLookup: count(0, 2 ** 31 - 1),
  tp: COUNT,
  ep: COUNT,
  backend: { values: ['tcp', 'MPI', '', 1, null, true, {}, ['mpi']], expected: /^"fork" or "mpi"$/ },
  groupTimeoutMs: COUNT,
  threads: count(1, 256),
  revectorize: BOOLEAN,
  onProgress: FUNCTION,
  tokenizer: {
    values: ['qwen', 1, null, [], {}, { createStream: 'no' }],
    expected: /^an object$|^a function$/,
    named: /^tokenizer(\.createStream)?$/,
  },
  kernels: { values: ['wasm', 1, null, true, {}, []], expected: /^kernels, as createWasmKernels\(\)/ },
};

const FORWARD: Record<keyof ForwardOptions, Wrong> = {
  positions: {
    values: [1, '1', null, {}, [-1], [3], [0.5], [Number.NaN], [1, 1], [2, 0], ['1'], [null], [5n], [1e300]],
    expected: /^an array of positions$|^ascending positions of the prompt, whole numbers from 0 to 2$/,
    named: /^positions(\[\d\])?$/,
  },
  hidden: BOOLEAN,
  observe: FUNCTION,
};

const UP_TO_VOCABULARY = count(0, 19);
const GENERATE: Record<keyof GenerateRequest, Wrong> = {
  ids: { values: [undefined, null, 1, 'text', {}, Int32Array.of(1)], expected: /^an array of token ids$/ },
  maxNewTokens: count(0, 2 ** 31 - 1, [undefined]),
  signal: { values: [null, 'stop', 1, {}, new AbortController()], expected: /^an AbortSignal$/ },
  returnLogits: BOOLEAN,
  skipSpecialTokens: BOOLEAN,
  cacheSalt: { values: [null, 1, true, ['salt'], {}], expected: /^a string$/ },
  temperature: number([-1, 0.0009, -0.5], /^0 \(greedy\), or a finite number, 0\.001 or more$/),
  topK: number([-1, 1.5, 2 ** 53], /^a whole number, 0 or more$/),
  topP: number([-0.1, 1.01, 1e300], /^a number from 0 to 1$/),
  minP: number([-0.1, 1.01, 1e300], /^a number from 0 to 1$/),
  repetitionPenalty: number([0, -1], /^a finite number above 0$/),
  presencePenalty: number([-2.1, 2.1, 1e300], /^a number from -2 to 2$/),
  frequencyPenalty: number([-2.1, 2.1, 1e300], /^a number from -2 to 2$/),
  logitBias: {
    values: [
      null,
      1,
      'a',
      [[1, 2]],
      { 19: 1 },
      { '-1': 1 },
      { a: 1 },
      { 1: '5' },
      { 1: Number.NaN },
      { 1: 101 },
    ],
    expected:
      /^an object whose keys are token ids|^a token id, a whole number from 0 to 18|^a number from -100 to 100/,
    named: /logitBias/,
  },
  seed: count(0, Number.MAX_SAFE_INTEGER),
  minNewTokens: number([-1, 1.5, 2 ** 53], /^a whole number, 0 or more$/),
  stopTokenIds: {
    values: [null, 1, 'a', {}, [19], [-1], [1.5], ['1'], [Number.NaN]],
    expected: /^an array of token ids$|^a token id, a whole number from 0 to 18$/,
    named: /^stopTokenIds(\[0\])?$/,
  },
  stop: {
    values: [null, 1, 'END', {}, [''], [1], ['\ud83d'], [null], ['fine, but there is no tokenizer']],
    expected: /^an array of strings$|^a string of at least one character|^no stop strings without text/,
    named: /^stop(\[0\])?$/,
  },
  ignoreEos: BOOLEAN,
  n: count(1, 1024),
  logprobs: UP_TO_VOCABULARY,
  promptLogprobs: UP_TO_VOCABULARY,
};

/** The error is an OptionError that names the option, the value that was found, and what is expected. */
function assertNames(
  t: ExecutionContext,
  error: unknown,
  { option, value, expected, named }: Omit<Wrong, 'values'> & { option: string; value: unknown },
): void {
  const what = `${option} = ${inspect(value)}`;
  if (!(error instanceof OptionError)) {
    t.fail(`${what}: expected an OptionError, got ${error}`);
    return;
  }
  t.true(error instanceof PlumblineError);
  t.regex(error.option, named ?? new RegExp(`^${option}$`), what);
  t.regex(error.expected, expected, what);
  if (!named) t.is(error.found, value, what);
  t.true(error.message.startsWith(`${error.option} is `), error.message);
  t.true(error.message.endsWith(`; expected ${error.expected}`), error.message);
}

async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  return undefined;
}

for (const [option, wrong] of Object.entries(LOAD)) {
  test(`Engine.load refuses wrong values of ${option}`, async (t) => {
    const dir = modelDirectory(t, denseModel());
    for (const value of wrong.values) {
      assertNames(t, await errorOf(Engine.load(dir, { [option]: value })), { ...wrong, option, value });
    }
  });
}

for (const [option, wrong] of Object.entries(FORWARD)) {
  test(`forward refuses wrong values of ${option}`, async (t) => {
    const engine = await loadEngine(t, denseModel());
    for (const value of wrong.values) {
      const error = t.throws(() => engine.forward([1, 2, 3], { [option]: value }), { any: true });
      assertNames(t, error, { ...wrong, option, value });
    }
  });
}

for (const [option, wrong] of Object.entries(GENERATE)) {
  test(`a request is refused for wrong values of ${option}, and the others are served`, async (t) => {
    const engine = await loadEngine(t, denseModel());
    const good = { ids: [1, 2, 3], maxNewTokens: 1 };
    const requests = wrong.values.map((value) => ({ ...good, temperature: 1, [option]: value }));
    const events = await generateAll(engine, [...(requests as GenerateRequest[]), good]);
    const errors = events.filter((event) => event.type === 'error');
    t.is(errors.length, wrong.values.length);
    for (const { request, error } of errors) {
      assertNames(t, error, { ...wrong, option, value: wrong.values[request] });
    }
    t.deepEqual(
      events.filter(({ type }) => type !== 'error').map(({ type, request }) => [type, request]),
      [
        ['token', requests.length],
        ['result', requests.length],
      ],
    );
  });
}

test('options that do not exist are refused, with the names of those that do', async (t) => {
  const refused = (error: unknown, table: object) => {
    assertNames(t, error, { option: 'maxBatches', value: undefined, expected: /^only the options / });
    const known = (error as OptionError).expected.replace('only the options ', '').split(', ');
    t.deepEqual(known.sort(), Object.keys(table).sort());
  };
  // Also if there is no value: the name is wrong all the same.
  const given = { maxBatches: undefined };
  const kernels = await createWasmKernels();
  refused(await errorOf(Engine.load(modelDirectory(t, denseModel()), { kernels, ...given })), LOAD);
  t.throws(() => kernels.allocate(1), { instanceOf: KernelError, message: /disposed/ });
  const engine = await loadEngine(t, denseModel());
  const thrown = t.throws(() => engine.forward([1], given as ForwardOptions), { any: true });
  refused(thrown, FORWARD);
  const [event] = await generateAll(engine, [{ ids: [1], maxNewTokens: 1, ...given } as GenerateRequest]);
  refused(event.type === 'error' && event.error, GENERATE);
});

const NOT_OBJECTS = [null, 1, 'x', true, [], () => {}];

test('Engine.load refuses what is not a directory and not options', async (t) => {
  const dir = modelDirectory(t, denseModel());
  for (const value of [undefined, null, 5, {}, ['a']]) {
    const wrong = { expected: /^the path of a model directory$/ };
    assertNames(t, await errorOf(Engine.load(value as string)), { ...wrong, option: 'modelDir', value });
    assertNames(t, await errorOf(readModelConfig(value as string)), { ...wrong, option: 'modelDir', value });
  }
  for (const value of NOT_OBJECTS) {
    const wrong = { expected: /^an object$/ };
    assertNames(t, await errorOf(Engine.load(dir, value as LoadOptions)), {
      ...wrong,
      option: 'options',
      value,
    });
  }
});

test('forward and generate refuse what is not a prompt, not options, not a request, not a list', async (t) => {
  const engine = await loadEngine(t, denseModel());
  for (const value of [undefined, null, 5, 'text', {}, Int32Array.of(1)]) {
    const error = t.throws(() => engine.forward(value as number[]), { any: true });
    assertNames(t, error, { ...GENERATE.ids, option: 'ids', value });
  }
  const object = { expected: /^an object$/ };
  for (const value of NOT_OBJECTS) {
    const error = t.throws(() => engine.forward([1], value as ForwardOptions), { any: true });
    assertNames(t, error, { ...object, option: 'options', value });
  }
  const events = await generateAll(engine, [undefined, ...NOT_OBJECTS] as unknown as GenerateRequest[]);
  t.is(events.length, NOT_OBJECTS.length + 1);
  for (const event of events) {
    if (event.type !== 'error') return t.fail(event.type);
    const value = [undefined, ...NOT_OBJECTS][event.request];
    assertNames(t, event.error, { ...object, option: 'request', value });
  }
  const list = { expected: /^requests that can be iterated$/ };
  for (const value of [undefined, null, 5, {}, () => []]) {
    assertNames(t, await errorOf(generateAll(engine, value as [])), { ...list, option: 'requests', value });
  }
});

const HUGE = 2 ** 31 - 1;
const TOO_LARGE: [LoadOptions, new (message: string) => PublicError, RegExp][] = [
  [
    { cacheTokens: HUGE },
    KernelError,
    /cache of 2147483647 tokens \(cacheTokens.*expected at most 4096\.0 MiB/,
  ],
  [{ blockSize: HUGE }, KernelError, /blockSize 2147483647\).*expected at most 4096\.0 MiB/],
  [{ maxBatchTokens: HUGE }, KernelError, /step of 2147483647 tokens \(maxBatchTokens\).*expected at most/],
  [{ tp: HUGE }, ShardingError, /tensor parallelism over 2147483647 ranks: expected one of 1, 2, 4, 8/],
  [{ tp: 3 }, ShardingError, /tensor parallelism over 3 ranks: expected one of 1, 2, 4, 8/],
  [{ ep: HUGE }, ShardingError, /expert parallelism over 2147483647 ranks: this model has no experts/],
];
for (const [options, instanceOf, message] of TOO_LARGE) {
  test(`Engine.load refuses what this model and machine cannot have: ${JSON.stringify(options)}`, async (t) => {
    await t.throwsAsync(Engine.load(modelDirectory(t, denseModel()), options), { instanceOf, message });
  });
}

test('limits of a step may be larger than any step', async (t) => {
  const engine = await loadEngine(t, denseModel(), { maxBatch: HUGE, prefillChunk: HUGE });
  t.is(engine.forward([1, 2, 3]).logits.length, 3 * 19);
});

test('a closed engine refuses forward passes and requests', async (t) => {
  const engine = await loadEngine(t, denseModel());
  await engine.close();
  t.throws(() => engine.forward([1]), { instanceOf: EngineClosedError });
  await t.throwsAsync(generateAll(engine, [{ ids: [1], maxNewTokens: 1 }]), {
    instanceOf: EngineClosedError,
  });
  t.notThrows(() => engine.stats());
});

test('a wrong eosTokenId of a configuration is refused', (t) => {
  for (const eosTokenId of ['2', 1.5, -1, [1, 'a'], {}]) {
    t.throws(() => parseModelConfig(DENSE_CONFIG, { eosTokenId: eosTokenId as number }), {
      instanceOf: PlumblineError,
      message: /^eosTokenId: /,
    });
  }
});
