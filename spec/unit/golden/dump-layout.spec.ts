import test from 'ava';
import { casesJson, dumpCases, dumpReadme } from '../../../golden/dump-layout.ts';
import type { VerifyCase } from '../../../golden/verify-case.ts';

const text: VerifyCase = { id: 'a', promptIds: [1, 2], greedy: [3, 4], positions: [1, 2], text: 'a b' };
const refused: VerifyCase = {
  id: 'b',
  promptIds: [],
  greedy: [],
  positions: [],
  text: '',
  refusal: 'is empty',
};
const chat: VerifyCase = {
  ...{ id: 'c', promptIds: [5], greedy: [6], positions: [0], text: '<user>hi' },
  conversation: {
    ...{ id: 'c', category: 'multi-turn', messages: [{ role: 'user', content: 'hi' }] },
    template: { enableThinking: false, tools: [{ type: 'function' }] },
  },
};

test('a dump is asked for scores of prompt and greedy tokens, for greedy tokens, and for the ids of texts', (t) => {
  t.deepEqual(dumpCases('tiny', [text, refused, chat]), {
    format: 1,
    model: 'tiny',
    cases: [
      {
        id: 'a',
        text: 'a b',
        forward: { ids: [1, 2, 3, 4], positions: [1, 2] },
        generate: { ids: [1, 2], maxNewTokens: 2 },
      },
      { id: 'b', text: '', generate: { ids: [], maxNewTokens: 1 } },
      {
        id: 'c',
        conversation: {
          messages: [{ role: 'user', content: 'hi' }],
          addGenerationPrompt: true,
          enableThinking: false,
          tools: [{ type: 'function' }],
        },
        forward: { ids: [5, 6], positions: [0] },
        generate: { ids: [5], maxNewTokens: 1 },
      },
    ],
  });
});

test('a conversation asks for what its template says, and for a generation prompt where that says nothing', (t) => {
  const tools = [{ type: 'function' }];
  const { id, category, messages } = chat.conversation!;
  for (const [template, expected] of [
    [undefined, { addGenerationPrompt: true }],
    [{}, { addGenerationPrompt: true }],
    [{ addGenerationPrompt: true }, { addGenerationPrompt: true }],
    [{ addGenerationPrompt: false }, { addGenerationPrompt: false }],
    [{ enableThinking: true }, { addGenerationPrompt: true, enableThinking: true }],
    [
      { addGenerationPrompt: false, tools },
      { addGenerationPrompt: false, tools },
    ],
  ] as const) {
    const conversation = { id, category, messages, ...(template ? { template } : {}) };
    const asked = dumpCases('tiny', [{ ...chat, conversation } as VerifyCase]);
    t.deepEqual(asked.cases[0].conversation as unknown, { messages, ...expected }, JSON.stringify(template));
  }
});

test('cases.json holds neither the ids of a text nor that a prompt has to be refused', (t) => {
  const json = casesJson(dumpCases('tiny', [text, refused, chat]));
  t.false(json.includes('refusal'));
  t.false(json.includes('<user>hi'), 'a rendered conversation is an expectation');
});

test('cases.json is JSON with a line for each case', (t) => {
  const dump = dumpCases('tiny', [text, chat]);
  t.deepEqual(JSON.parse(casesJson(dump)), JSON.parse(JSON.stringify(dump)));
  t.is(
    casesJson(dump)
      .split('\n')
      .filter((line) => line.includes('"id"')).length,
    2,
  );
});

test('the README names the model, the cases and every file', (t) => {
  const readme = dumpReadme(dumpCases('tiny', [text, chat]), { written: 'model' });
  t.true(readme.includes('npx plumbline-verify --model tiny --dump <this folder>'));
  t.true(readme.includes('Load the model in `model`'));
  t.true(readme.includes('has 2 cases'));
  for (const name of ['<id>.json', '<id>.npy', '<id>.safetensors', '<id>.ids.npy', '<id>.logprobs.npy']) {
    t.true(readme.includes(`\`${name}\``), name);
  }
  t.true(readme.split('\n').every((line) => !line.includes('undefined')));
});
