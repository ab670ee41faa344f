import test from 'ava';
import { httpSubject } from '../../../verify/adapters/http/http-subject.ts';
import { NoAnswerError } from '../../../verify/errors.ts';
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

test('the class decides how large a change may be', async (t) => {
  let asked = 0;
  const noisy = (precision: 'f32' | 'bf16') =>
    fakeSubject(
      {
        async forward(request) {
          const { rows } = await fakeSubject().forward(request);
          const by = asked++ * 1e-3;
          return { rows: rows.map(({ values }) => ({ values: values.map((value) => value + by) })) };
        },
      },
      { precision },
    );
  t.is((await judge(noisy('bf16'))).verdict, 'right');
  t.is((await judge(noisy('f32'))).verdict, 'wrong');
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
