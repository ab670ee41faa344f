import test from 'ava';
import { PromptError } from '../../../../engine/errors.ts';
import { promptIds } from '../../../../generator/recording/prompt-ids.ts';
import { isIdPrompt } from '../../../../golden/id-prompts.ts';
import type { Prompt } from '../../../../golden/schema.ts';

type Tokenizer = NonNullable<Parameters<typeof promptIds>[2]>;

/** A tokenizer of one id for each character; it keeps its arguments. */
function characterTokenizer() {
  const calls: unknown[][] = [];
  const tokenizer = {
    encode(...args: unknown[]) {
      calls.push(['encode', ...args]);
      return Array.from(args[0] as string, (c) => c.charCodeAt(0));
    },
    apply_chat_template(...args: unknown[]) {
      calls.push(['apply_chat_template', ...args]);
      return 'chat';
    },
  };
  return { calls, tokenizer: tokenizer as unknown as Tokenizer };
}

const named = { id: 'a-case', category: 'short' } as const;
const messages = [{ role: 'user', content: 'hi' }];

test('prompts of ids suit a model without tokenizer, texts and conversations do not', (t) => {
  t.true(isIdPrompt({ ...named, ids: [] }));
  t.true(isIdPrompt({ ...named, seededIds: { seed: 's', length: 1 } }));
  t.false(isIdPrompt({ ...named, text: '' }));
  t.false(isIdPrompt({ ...named, messages }));
});

test('ids are taken as they are, those below 0 counted from the end of the vocabulary', (t) => {
  t.deepEqual(promptIds({ ...named, ids: [0, 9, -1, -10] }, 10), { ids: [0, 9, 9, 0] });
  t.deepEqual(promptIds({ ...named, ids: [] }, 10), { ids: [] });
});

for (const id of [10, -11]) {
  test(`id ${id} is outside a vocabulary of 10`, (t) => {
    t.throws(() => promptIds({ ...named, ids: [0, id] }, 10), {
      instanceOf: PromptError,
      message: `prompt "a-case": id ${id} is outside the vocabulary; expected -10 to 9`,
    });
  });
}

test('seeded ids are the same every time, of the length asked for, and reach over the whole vocabulary', (t) => {
  const prompt: Prompt = { ...named, seededIds: { seed: 'some', length: 2000 } };
  const { ids, text } = promptIds(prompt, 50);
  t.deepEqual(promptIds(prompt, 50).ids, ids);
  t.is(text, undefined);
  t.deepEqual(
    [...new Set(ids)].sort((a, b) => a - b),
    [...Array(50).keys()],
  );
  t.is(ids.length, 2000);
  const other: Prompt = { ...named, seededIds: { seed: 'other', length: 2000 } };
  t.notDeepEqual(promptIds(other, 50).ids, ids);
});

test('a text is encoded without special tokens around it', (t) => {
  const { calls, tokenizer } = characterTokenizer();
  t.deepEqual(promptIds({ ...named, text: 'ab' }, 999, tokenizer), { ids: [97, 98], text: 'ab' });
  t.deepEqual(calls, [['encode', 'ab', { add_special_tokens: false }]]);
});

test('a conversation is rendered with a generation prompt, then encoded', (t) => {
  const { calls, tokenizer } = characterTokenizer();
  t.deepEqual(promptIds({ ...named, messages }, 999, tokenizer), { ids: [99, 104, 97, 116], text: 'chat' });
  t.deepEqual(calls, [
    ['apply_chat_template', messages, { tokenize: false, add_generation_prompt: true }],
    ['encode', 'chat', { add_special_tokens: false }],
  ]);
});

test('thinking, tools and the generation prompt are handed to the template under its own names', (t) => {
  const { calls, tokenizer } = characterTokenizer();
  const tools = [{ type: 'function' }];
  for (const enableThinking of [true, false]) {
    const template = { enableThinking, tools, addGenerationPrompt: false };
    promptIds({ ...named, messages, template }, 999, tokenizer);
    const [[, , options]] = calls.splice(0);
    t.deepEqual(options, {
      tokenize: false,
      add_generation_prompt: false,
      enable_thinking: enableThinking,
      tools,
    });
  }
});

for (const prompt of [
  { ...named, text: 'ab' },
  { ...named, messages },
]) {
  test(`without tokenizer a prompt of ${Object.keys(prompt).at(-1)} is refused`, (t) => {
    t.throws(() => promptIds(prompt, 10), {
      instanceOf: TypeError,
      message: 'prompt "a-case" is a text, and the model has no tokenizer',
    });
  });
}
