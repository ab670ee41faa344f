import test from 'ava';
import type { Completion, Question } from '../../../../../verify/adapters/http/dialect.ts';
import { generate } from '../../../../../verify/adapters/http/generate.ts';
import { NotSupportedError, SubjectError } from '../../../../../verify/errors.ts';
import { scriptedServer } from '../../../../support/servers/scripted-server.ts';

const EOS = 14;
const idsOf = ({ prompt }: Question) => ('ids' in prompt ? prompt.ids : []);

/** Counts up from the last id; stops after EOS, which it shows or not. */
function counting({ showsEos = true, omitsRowOf }: { showsEos?: boolean; omitsRowOf?: number } = {}) {
  return (question: Question): Completion => {
    const ids = [...idsOf(question)];
    const tokens: { id: number }[] = [];
    while (tokens.length < question.maxNewTokens) {
      const id = ids[ids.length - 1] + 1;
      if (id === EOS && !showsEos) break;
      ids.push(id);
      tokens.push({ id });
      if (id === EOS) break;
    }
    const isWalk = question.maxNewTokens === 1;
    const rows = tokens.map(({ id }) => (id === omitsRowOf && !isWalk ? undefined : [{ id, logprob: -0.5 }]));
    return { tokens, rows, finishReason: 'stop' };
  };
}

test('a server that stops at a token and shows it is asked to go on', async (t) => {
  const { server, questions } = scriptedServer(counting());
  const { tokens, scores } = await generate(server, { ids: [10, 11], maxNewTokens: 5 });
  t.deepEqual(tokens, [12, 13, 14, 15, 16]);
  t.deepEqual(
    scores?.map(({ ids }) => ids![0]),
    tokens,
  );
  t.deepEqual(
    questions.map((question) => [idsOf(question), question.maxNewTokens]),
    [
      [[10, 11], 5],
      [[10, 11, 12, 13, 14], 2],
    ],
  );
});

test('a server that hides the token it stops at ended early', async (t) => {
  const { server } = scriptedServer(counting({ showsEos: false }));
  await t.throwsAsync(generate(server, { ids: [10, 11], maxNewTokens: 5 }), {
    instanceOf: NotSupportedError,
    message:
      'generate: 5 tokens after 2, from token 2 on: the server ended early (it says: stop), after 2 of 5 tokens; ' +
      'expected a continuation that no token ends',
  });
});

test('a row that did not come with its token is asked for apart', async (t) => {
  const { server, questions } = scriptedServer(counting({ omitsRowOf: 12 }));
  const { scores } = await generate(server, { ids: [10], maxNewTokens: 3 });
  t.deepEqual(
    scores?.map(({ ids }) => ids![0]),
    [11, 12, 13],
  );
  t.deepEqual(idsOf(questions[1]), [10, 11]);
});

test('a row that is nonsense is no missing row', async (t) => {
  const script = (question: Question) => {
    const completion = counting({ omitsRowOf: 12 })(question);
    return question.maxNewTokens === 1 ? { ...completion, rows: [] } : completion;
  };
  await t.throwsAsync(generate(scriptedServer(script).server, { ids: [10], maxNewTokens: 3 }), {
    instanceOf: SubjectError,
    message: /found 0 rows of log-probabilities for 1 tokens/,
  });
});

test('tokens without rows are an answer without scores', async (t) => {
  const bare = (question: Question) => ({ tokens: counting()(question).tokens });
  t.deepEqual(await generate(scriptedServer(bare).server, { ids: [1], maxNewTokens: 2 }), { tokens: [2, 3] });
  const none = scriptedServer(bare, { top: 0 });
  t.deepEqual(await generate(none.server, { ids: [1], maxNewTokens: 2 }), { tokens: [2, 3] });
  t.is(none.questions.length, 1, 'no row is asked for');
});
