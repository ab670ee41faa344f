import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { httpSubject } from '../../../verify/adapters/http/http-subject.ts';
import { NoAnswerError, NotSupportedError, SubjectError } from '../../../verify/errors.ts';
import type { PrecisionClass } from '../../../verify/precision.ts';
import type { Subject, SubjectModel } from '../../../verify/subject.ts';
import { verdictSchema } from '../../../verify/verdict.ts';
import { verifyConsistency } from '../../../verify/verify-consistency.ts';
import { closing } from '../../support/processes/cleanup.ts';
import { LETTERS, scoringFake } from '../../support/servers/fake-served.ts';
import { LoopbackServer, Streamed } from '../../support/servers/loopback-server.ts';
import { openaiRoutes } from '../../support/servers/openai.ts';
import { ServedModel } from '../../support/servers/served-model.ts';
import { SERVERS } from '../../support/servers/servers.ts';
import { fakeSubject } from '../../support/verify/fake-subject.ts';

const subjectOf = (model: SubjectModel): Subject => ({ info: { name: 'fake' }, load: async () => model });
const judge = (model: SubjectModel) =>
  verifyConsistency({ subject: subjectOf(model), adapter: '--module fake.ts' });

/** No token ends its continuations, which servers would not show. */
const endless = () => new ServedModel(scoringFake(), { name: 'fake', eosTokenId: -1, text: LETTERS });
const verifyHttp = ({ url }: LoopbackServer) =>
  verifyConsistency({ subject: httpSubject({ url }), adapter: '--url', precision: 'f32' });

const SERVED = {
  ...SERVERS,
  'openai, texts alone': (model: ServedModel) => openaiRoutes(model, { takesIds: false }),
};

/** Of prompts whose ids are changed they have no text. */
const TEXT_ALONE = new Set(['tgi', 'ollama', 'openai', 'openai, texts alone']);

for (const [api, routes] of Object.entries(SERVED)) {
  test(`${api}: a server without a model directory answers the same, streamed too`, async (t) => {
    const server = closing(t, await LoopbackServer.start(routes(endless())));
    const verdict = await verifyHttp(server);
    t.is(verdict.verdict, 'right', JSON.stringify([verdict.reasons, verdict.cases]));
    t.deepEqual(
      verdict.consistency.map(({ name, equalBits }) => `${name}: ${equalBits}`),
      [
        'the same request twice: true',
        'in another order: true',
        'alone and among others: true',
        'after a request with a common prefix: true',
        ...(TEXT_ALONE.has(api)
          ? []
          : ['scored and continued, after a prompt that differs in one token: true']),
        'in one go and continued from the middle: true',
        'streamed and not: true',
      ],
    );
    t.deepEqual(verdict.power.missed, []);
    t.true(verdict.power.of >= 2);
  });
}

test('a server that loses an event of a stream is wrong, and so said', async (t) => {
  const server = closing(t, await LoopbackServer.start(SERVERS.vllm(endless())));
  server.alter = (answer) =>
    answer instanceof Streamed ? new Streamed(answer.events.toSpliced(3, 1)) : answer;
  const verdict = await verifyHttp(server);
  t.is(verdict.verdict, 'wrong');
  t.deepEqual(verdict.reasons, ['its answers change: streamed and not']);
});

test('a verdict without a reference fits the schema and says what it does not know', async (t) => {
  const verdict = await judge(scoringFake());
  t.deepEqual(verdictSchema.parse(verdict), verdict);
  t.like(verdict, { verdict: 'right', model: { source: 'any' }, reference: { kind: 'itself' } });
  t.is(verdict.unchecked[0].what, 'whether its answers are right');
});

/** Scores that are larger by some nats whenever the same is asked again. */
function changing(by: number, capabilities: Partial<SubjectModel['capabilities']>): SubjectModel {
  const known = new Set<string>();
  return fakeSubject(
    {
      async forward(request) {
        const { rows } = await fakeSubject().forward(request);
        const key = JSON.stringify(request);
        const change = known.has(key) ? by : 0;
        known.add(key);
        return { rows: rows.map(({ values }) => ({ values: values.map((value) => value + change) })) };
      },
    },
    capabilities,
  );
}

/** What docs/verify.md allows, in nats. */
const ALLOWED = { f32: 0.001, f16: 0.12, bf16: 1, '8bit': 1, '4bit': 1 } as const;

for (const [precision, allowed] of Object.entries(ALLOWED) as [PrecisionClass, number][]) {
  test(`${precision}: a change up to ${allowed} nats is right, and a larger one wrong`, async (t) => {
    for (const [part, expected] of [
      [0.9, 'right'],
      [1.1, 'wrong'],
    ] as const) {
      const { verdict, reasons, reference } = await judge(changing(part * allowed, { precision }));
      t.is(verdict, expected, `${part} times as much: ${reasons.join()}`);
      t.regex(reference.description, new RegExp(`a change of ${allowed} nats is the noise of ${precision}$`));
    }
  });
}

test('an engine that does not say its class is allowed the noise of bf16, and the report says so', async (t) => {
  const verdict = await judge(changing(0.5, {}));
  t.is(verdict.verdict, 'right', verdict.reasons.join());
  t.true(verdict.consistency.some(({ largest }) => largest !== null && largest > 0.4));
  t.regex(verdict.reference.description, / is the noise of bf16$/);
});

test('the class that the user states goes before the one that the engine says', async (t) => {
  const stating = (precision: PrecisionClass, says: PrecisionClass) =>
    verifyConsistency({
      subject: subjectOf(changing(0.5, { precision: says })),
      ...{ adapter: '--module fake.ts', precision },
    });
  t.is((await stating('f32', 'bf16')).verdict, 'wrong');
  const wide = await stating('bf16', 'f32');
  t.is(wide.verdict, 'right', wide.reasons.join());
  t.regex(wide.reference.description, / is the noise of bf16$/);
});

test('as many requests are on their way at a time as the engine takes and the user allows', async (t) => {
  for (const [takes, concurrency, most] of [
    [3, undefined, 3],
    [3, 2, 2],
    [2, 8, 2],
  ] as const) {
    let [running, largest] = [0, 0];
    const model = fakeSubject(
      {
        async forward(request) {
          largest = Math.max(largest, ++running);
          await setImmediate();
          running--;
          return fakeSubject().forward(request);
        },
        generate: () => Promise.reject(new NotSupportedError('it scores alone')),
      },
      { maxConcurrency: takes },
    );
    await verifyConsistency({ subject: subjectOf(model), adapter: '--module fake.ts', concurrency });
    t.is(largest, most, `${takes} that it takes, ${concurrency} that are allowed`);
  }
});

test('a case is skipped only if both of its questions are', async (t) => {
  const skip = () => Promise.reject(new NotSupportedError('not here'));
  for (const parts of [{ forward: skip }, { generate: skip }]) {
    const { cases } = await judge(fakeSubject(parts));
    t.true(cases.length > 0);
    for (const { id, ...told } of cases) t.deepEqual(told, { verdict: 'right', outcome: 'result' }, id);
  }
  const { cases, verdict } = await judge(fakeSubject({ forward: skip, generate: skip }));
  t.is(verdict, 'unknown');
  for (const { id, ...told } of cases) {
    t.deepEqual(told, { verdict: 'unknown', outcome: 'skipped', message: 'not here' }, id);
  }
});

test('a case with a wrong answer is wrong, whether or not its other answer came', async (t) => {
  const fail = () => Promise.reject(new SubjectError('nonsense'));
  const die = () => Promise.reject(new NoAnswerError('it is gone'));
  for (const parts of [
    { forward: fail, generate: die },
    { forward: die, generate: fail },
  ]) {
    const { cases, verdict } = await judge(fakeSubject(parts));
    t.is(verdict, 'wrong');
    t.true(cases.length > 0);
    for (const { id, ...told } of cases)
      t.deepEqual(told, { verdict: 'wrong', outcome: 'error', message: 'nonsense' }, id);
  }
});

test('a verdict names the subject as it is known once it is loaded', async (t) => {
  let info: Subject['info'] = { name: 'the server at http://127.0.0.1' };
  const subject: Subject = {
    get info() {
      return info;
    },
    async load() {
      info = { name: 'vLLM', version: '0.9.1' };
      return fakeSubject();
    },
  };
  const verdict = await verifyConsistency({ subject, adapter: '--url' });
  t.deepEqual(verdict.subject, { name: 'vLLM', version: '0.9.1', adapter: '--url' });
});

test('an engine that answers nothing is unknown, one that answers with an error is wrong', async (t) => {
  const silent = { forward: () => Promise.reject(new NoAnswerError('gone')) };
  const dead = await judge(fakeSubject({ ...silent, generate: silent.forward }));
  t.like(dead, { verdict: 'unknown', power: { of: 0 } });
  t.is(dead.reasons[0], 'gone');
  const broken = await judge(fakeSubject({ forward: () => Promise.reject(new Error('no such row')) }));
  t.like(broken, { verdict: 'wrong' });
  t.is(broken.reasons[0], 'no such row');
});
