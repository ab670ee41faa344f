import { inspect } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { ConfigError, Engine, OptionError, PlumblineError } from '../../../engine/index.ts';
import { type CommandOptions, commandSubject } from '../../../verify/adapters/command/command-subject.ts';
import { engineSubject } from '../../../verify/adapters/engine.ts';
import { httpSubject } from '../../../verify/adapters/http/http-subject.ts';
import * as judge from '../../../verify/index.ts';
import { type LoadCasesOptions, loadCases, type VerifyOptions, verify } from '../../../verify/verify.ts';

const MODEL = { name: 'dense', source: 'directory', modelDir: '/nowhere' } as const;
const OPTIONS: VerifyOptions = {
  subject: engineSubject('plumbline', Engine),
  adapter: 'own',
  model: MODEL,
  cases: { cases: [], stored: false },
};
const FUNCTION = ['f', 1, null, {}];
const SIGNAL = [null, 'stop', {}, new AbortController()];
const MODELS = ['dense', null, {}, { name: 1, modelDir: 'x' }, { name: 'x' }];

/** Every option of `verify`: TypeScript refuses a table in which one is missing. */
const VERIFY: Record<keyof VerifyOptions, readonly unknown[]> = {
  subject: [undefined, null, 'python3 engine.py', {}, { info: {} }, { load() {} }],
  adapter: [undefined, null, 1],
  model: [undefined, ...MODELS],
  cases: [undefined, null, [], {}, { cases: 'all' }],
  knownFailing: [null, ['ids-one'], 'ids-one'],
  precision: ['fp16', 'BF16', 16, null],
  checks: ['bugs', null, ['everything'], [1]],
  concurrency: [0, -1, 1.5, '4', null, Number.NaN],
  signal: SIGNAL,
  onProgress: FUNCTION,
};

const LOAD_CASES: Record<keyof LoadCasesOptions, readonly unknown[]> = {
  prompts: [null, [], 'text', { prompts: [] }, { maxNewTokens: 1, prompts: [{ id: 'a' }] }],
  run: ['ids-*', null, [1], {}],
  skip: ['ids-*', null, [1], {}],
  signal: SIGNAL,
  onProgress: FUNCTION,
};

/** Asserts that a call fails with an OptionError of an option. */
async function refuses(t: ExecutionContext, option: string, value: unknown, call: () => unknown) {
  const error = await t.throwsAsync(async () => await call(), { instanceOf: OptionError });
  t.true(error instanceof PlumblineError);
  const what = `${option}: ${inspect(value)}: ${error.message}`;
  t.true(error.option === option || /^[.[]/.test(error.option.slice(option.length)), what);
  t.true(error.option.startsWith(option), what);
}

test('verify refuses wrong values of every option before it loads anything', async (t) => {
  for (const [option, values] of Object.entries(VERIFY)) {
    for (const value of values) {
      await refuses(t, option, value, () => verify({ ...OPTIONS, [option]: value }));
    }
  }
  await refuses(t, 'options', undefined, () => verify(undefined as unknown as VerifyOptions));
});

test('a model directory that does not exist is a ConfigError with its path', async (t) => {
  await t.throwsAsync(verify(OPTIONS), { instanceOf: ConfigError, message: /nowhere\/config\.json/ });
});

test('loadCases refuses wrong values of every option', async (t) => {
  for (const model of MODELS)
    await refuses(t, 'model', model, () => loadCases(model as unknown as typeof MODEL));
  for (const [option, values] of Object.entries(LOAD_CASES)) {
    for (const value of values) {
      await refuses(t, option, value, () => loadCases(MODEL, { [option]: value }));
    }
  }
});

test('subjects of programs and servers refuse wrong time limits', async (t) => {
  for (const value of [0, -1, 1.5, '4', null, Number.NaN]) {
    const limits = { startMs: value } as CommandOptions['limits'];
    await refuses(t, 'limits.startMs', value, () => commandSubject('true', { limits }));
    const server = { url: 'http://127.0.0.1:1', timeoutMs: value as number };
    await refuses(t, 'timeoutMs', value, () => httpSubject(server));
  }
});

test('every error class of the judge is a PlumblineError that its public API exports', (t) => {
  const classes = Object.values(judge).filter(
    (value): value is typeof PlumblineError => typeof value === 'function' && /Error$/.test(value.name),
  );
  t.deepEqual(classes.map(({ name }) => name).sort(), ['NoAnswerError', 'NotSupportedError', 'SubjectError']);
  for (const each of classes) t.true(each.prototype instanceof PlumblineError, each.name);
});
