import test from 'ava';
import type { VerifyCase } from '../../../../golden/verify-case.ts';
import { NoAnswerError, NotSupportedError, SubjectError } from '../../../../verify/errors.ts';
import { judgePrompts } from '../../../../verify/prompts/judge-prompts.ts';
import type { ModelText } from '../../../../verify/prompts/prompt-tools.ts';
import type { Conversation, SubjectModel } from '../../../../verify/subject.ts';

const plain: VerifyCase = { id: 'short', promptIds: [1, 2, 3], greedy: [], positions: [], text: 'abc' };
const chat: VerifyCase = {
  ...plain,
  id: 'chat',
  conversation: {
    id: 'chat',
    category: 'multi-turn',
    messages: [{ role: 'user', content: 'abc' }],
    template: { enableThinking: false, addGenerationPrompt: false, tools: [{ type: 'function' }] },
  },
};
const modelText: ModelText = {
  tokens: (ids) => ids.map((id) => `<${id}>`),
  toolsFor: () => ({ encode: () => [7], decode: () => 'abc', specialId: () => undefined }),
};

function subject(
  parts: Partial<SubjectModel>,
  capabilities: Partial<SubjectModel['capabilities']> = {},
): SubjectModel {
  return {
    capabilities: {
      scores: 'none',
      hidden: false,
      tokenize: true,
      chat: true,
      maxConcurrency: 1,
      ...capabilities,
    },
    forward: () => Promise.reject(new NotSupportedError('no scores')),
    generate: () => Promise.reject(new NotSupportedError('no tokens')),
    close: async () => {},
    ...parts,
  };
}

test('equal ids are right', async (t) => {
  const verdict = await judgePrompts(subject({ tokenize: async () => [1, 2, 3] }), [plain], modelText);
  t.deepEqual(verdict, {
    verdict: 'right',
    cases: [{ id: 'short', by: 'tokenize of the text', verdict: 'right' }],
  });
});

test('the first other token is shown with its text on both sides, and its likely cause', async (t) => {
  const { cases, verdict } = await judgePrompts(
    subject({ tokenize: async () => [1, 2] }),
    [plain],
    modelText,
  );
  t.is(verdict, 'wrong');
  t.deepEqual(cases[0].first, {
    what: 'prompt ids',
    position: 2,
    got: 'end of the prompt',
    expected: '3 "<3>"',
  });
  t.is(cases[0].cause, 'the last token is missing');
});

test('without a tokenizer of the model the ids are shown', async (t) => {
  const { cases } = await judgePrompts(subject({ tokenize: async () => [1, 9, 3] }), [plain], undefined);
  t.deepEqual(cases[0].first, { what: 'prompt ids', position: 1, got: 9, expected: 2 });
});

test('a conversation is asked for as a conversation, with its options', async (t) => {
  const asked: Conversation[] = [];
  const tokenizeChat = async (conversation: Conversation) => {
    asked.push(conversation);
    return [1, 2, 3];
  };
  const { cases } = await judgePrompts(subject({ tokenizeChat }), [chat], modelText);
  t.deepEqual(
    cases.map(({ verdict, by }) => [verdict, by]),
    [['right', 'tokenize of the conversation']],
  );
  t.deepEqual(asked, [
    {
      messages: [{ role: 'user', content: 'abc' }],
      tools: [{ type: 'function' }],
      enableThinking: false,
      addGenerationPrompt: false,
    },
  ]);
});

test('a subject that renders no conversations is asked for the rendered text', async (t) => {
  const asked: string[] = [];
  const tokenize = async (text: string) => {
    asked.push(text);
    return [1, 2, 3];
  };
  await judgePrompts(subject({ tokenize }, { chat: false }), [chat], modelText);
  t.deepEqual(asked, ['abc']);
});

test('a subject that tokenizes nothing is not judged', async (t) => {
  const verdict = await judgePrompts(subject({}, { tokenize: false, chat: false }), [plain, chat], modelText);
  t.deepEqual(verdict, { verdict: 'unknown', cases: [] });
});

test('a refusal leaves a prompt open, and a failure makes it wrong', async (t) => {
  const refuses = subject({ tokenize: () => Promise.reject(new NotSupportedError('no special tokens')) });
  const dies = subject({ tokenize: () => Promise.reject(new NoAnswerError('closed')) });
  t.deepEqual((await judgePrompts(refuses, [plain], modelText)).cases[0], {
    id: 'short',
    by: 'tokenize of the text',
    verdict: 'unknown',
    cause: 'skipped: no special tokens',
  });
  t.is((await judgePrompts(refuses, [plain], modelText)).verdict, 'unknown');
  t.like((await judgePrompts(dies, [plain], modelText)).cases[0], {
    verdict: 'wrong',
    cause: 'no answer: closed',
  });
});

test('a text that is half a surrogate pair may be refused, and an answer to it is judged', async (t) => {
  const half: VerifyCase = { ...plain, text: 'left \ud83d' };
  const refusing = subject({ tokenize: () => Promise.reject(new SubjectError('status 400')) });
  t.is((await judgePrompts(refusing, [half], modelText)).cases[0].verdict, 'unknown');
  t.is((await judgePrompts(refusing, [plain], modelText)).cases[0].verdict, 'wrong');
  t.is((await judgePrompts(subject({ tokenize: async () => [1] }), [half], modelText)).verdict, 'wrong');
  const silent = subject({ tokenize: () => Promise.reject(new NoAnswerError('closed')) });
  t.is((await judgePrompts(silent, [half], modelText)).cases[0].verdict, 'wrong');
});

test('where only the number of tokens is known, another number is wrong, and a refusal says nothing', async (t) => {
  const counting = (count: () => Promise<number>) =>
    judgePrompts(subject({ countTokens: count }, { tokenize: false, chat: false }), [plain, chat], modelText);
  const by = 'number of tokens';
  t.deepEqual((await counting(async () => 3)).cases, [
    { id: 'short', by, verdict: 'right' },
    { id: 'chat', by, verdict: 'right' },
  ]);
  const { verdict, cases } = await counting(async () => 4);
  t.is(verdict, 'wrong');
  t.deepEqual(cases[0].first, { what: by, position: 3, got: 4, expected: 3 });
  t.is(cases[0].cause, 'a beginning-of-sequence token was added, perhaps');
  t.is((await counting(async () => 2)).cases[0].cause, undefined);
  const refused = await counting(() => Promise.reject(new SubjectError('no text')));
  t.is(refused.verdict, 'unknown');
  t.is(refused.cases[0].cause, 'error: no text');
  const known = subject({ tokenize: async () => [1, 2, 3], countTokens: async () => 9 });
  t.is((await judgePrompts(known, [plain], modelText)).verdict, 'right', 'ids say more');
});
