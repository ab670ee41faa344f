import test from 'ava';
import { readPrompts } from '../../../golden/goldens.ts';
import { sequenceOf, storedCases } from '../../../golden/verify-case.ts';

test('stored cases have the prompt, the greedy tokens and the positions that goldens store', (t) => {
  const cases = storedCases('dense', readPrompts().prompts);
  const thousand = cases.find(({ id }) => id === 'ids-thousand')!;
  t.is(thousand.promptIds.length, 1024);
  t.is(thousand.greedy.length, 16);
  t.true(thousand.positions.length <= 96 && thousand.positions.includes(1023));
  t.deepEqual(sequenceOf(thousand).slice(1024), [...thousand.greedy]);
});

test('a prompt that the reference refuses is to be refused', (t) => {
  const empty = storedCases('dense', []).find(({ id }) => id === 'ids-empty')!;
  t.like(empty, { promptIds: [], greedy: [], positions: [] });
  t.truthy(empty.refusal);
});

test('conversations are found by the id of their case, texts are rendered', (t) => {
  const cases = storedCases('dense-bf16', readPrompts().prompts);
  const chat = cases.find(({ id }) => id === 'chat-system')!;
  t.is(chat.conversation?.messages.length, 2);
  t.regex(chat.text ?? '', /^<\|im_start\|>system\nYou are terse/);
  t.is(cases.find(({ id }) => id === 'short-capital')?.conversation, undefined);
  t.is(cases.find(({ id }) => id === 'edge-empty')?.text, '', 'no text at all is a text');
});
