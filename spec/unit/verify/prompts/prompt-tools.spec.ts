import test from 'ava';
import { ensureFixture } from '../../../../generator/fixtures/fixtures.ts';
import { readPrompts } from '../../../../golden/goldens.ts';
import { storedCases } from '../../../../golden/verify-case.ts';
import { loadModelText } from '../../../../verify/prompts/prompt-tools.ts';

test('the tools of a conversation render it with other options', async (t) => {
  const text = await loadModelText(await ensureFixture('dense-bf16'));
  const cases = storedCases('dense-bf16', readPrompts().prompts);
  const chat = cases.find(({ id }) => id === 'chat-tools')!;
  const tools = text.toolsFor(chat);
  t.is(tools.render?.({}), chat.text);
  t.false(tools.render?.({ addGenerationPrompt: false }).endsWith('<|im_start|>assistant\n'));
  t.false(tools.render?.({ withTools: false }).includes('get_weather'));
  t.true(tools.render?.({ enableThinking: false }).endsWith('</think>\n\n'));
  t.is(tools.specialId('<|im_start|>'), 151644);
  t.is(tools.specialId('<s>'), undefined);
  t.deepEqual(text.tokens([151644]), ['<|im_start|>']);
  // A space, a character of two bytes, and half a character, which has no text.
  const [space, accent, half] = [1879, 963, 126];
  t.deepEqual(text.tokens([space, accent, half]), [' world', 'é', 'Â']);
});

test('what is asked for goes before what the template of the conversation says, that before a prompt to answer', async (t) => {
  const text = await loadModelText(await ensureFixture('dense-bf16'));
  const cases = storedCases('dense-bf16', readPrompts().prompts);
  const chat = cases.find(({ id }) => id === 'chat-one-user')!;
  const template = { addGenerationPrompt: false };
  const { render } = text.toolsFor({ ...chat, conversation: { ...chat.conversation!, template } });
  const prompt = '<|im_start|>assistant\n';
  t.is(`${render?.({})}${prompt}`, chat.text!);
  t.is(render?.({ addGenerationPrompt: true }), chat.text);
});

test('a text is not rendered', async (t) => {
  const text = await loadModelText(await ensureFixture('dense-bf16'));
  const plain = { id: 'a', promptIds: [], greedy: [], positions: [], text: 'a' };
  t.is(text.toolsFor(plain).render, undefined);
  t.deepEqual(text.toolsFor(plain).encode('a'), [64]);
});
