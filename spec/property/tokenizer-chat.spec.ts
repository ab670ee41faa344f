import assert from 'node:assert/strict';
import test from 'ava';
import fc from 'fast-check';
import { ChatTemplate } from '../../engine/text/chat.ts';
import type { ChatMessage } from '../../engine/text/conversation.ts';
import { QWEN3_TOKENIZER_DIR, referenceTokenizer } from '../support/models/tokenizer.ts';

/**
 * Text without white space at its ends, of which transformers.js strips more than the template says (see
 * below).
 */
const content = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 6 }),
      fc.constantFrom(
        '<think>\nhm\n</think>\n\nso',
        '</think>',
        '<tool_response>',
        '</tool_response>',
        ' ',
        '"\\',
      ),
    ),
    { maxLength: 4 },
  )
  .map((parts) =>
    parts
      .join('')
      .replace(/\s*(<\/?think>)\s*/g, '$1')
      .trim(),
  );
/** Numbers that Python writes as JavaScript does; jinja2.json has the others. */
const json = fc
  .jsonValue({ maxDepth: 2 })
  .map((value) => JSON.parse(JSON.stringify(value), (_, item) => (isAlike(item) ? item : 0.5)));
const isAlike = (value: unknown) =>
  typeof value !== 'number' || value === 0 || (Math.abs(value) >= 1e-4 && Math.abs(value) < 1e16);
const toolCall = fc.record({ name: content, arguments: fc.oneof(content, fc.dictionary(content, json)) });
const message: fc.Arbitrary<ChatMessage> = fc.oneof(
  fc.record({ role: fc.constantFrom('system', 'user', 'tool'), content }),
  fc.record({ role: fc.constant('assistant' as const), content }),
  fc.record({
    role: fc.constant('assistant' as const),
    content,
    reasoning_content: fc.option(content),
    tool_calls: fc.array(fc.oneof(toolCall, fc.record({ function: toolCall })), { maxLength: 2 }),
  }),
);
const options = fc.record(
  {
    addGenerationPrompt: fc.boolean(),
    enableThinking: fc.boolean(),
    tools: fc.array(fc.dictionary(content, json), { maxLength: 2 }),
  },
  { requiredKeys: [] },
);

test('any conversation is rendered as by transformers.js', async (t) => {
  const [ours, reference] = await Promise.all([ChatTemplate.load(QWEN3_TOKENIZER_DIR), referenceTokenizer()]);
  t.notThrows(() =>
    fc.assert(
      fc.property(fc.array(message, { minLength: 1, maxLength: 5 }), options, (messages, options) => {
        const { addGenerationPrompt, enableThinking, tools } = options;
        const expected = reference.apply_chat_template(
          messages as Parameters<typeof reference.apply_chat_template>[0],
          {
            tokenize: false,
            add_generation_prompt: addGenerationPrompt ?? false,
            tools: tools ?? null,
            ...(enableThinking !== undefined && { enable_thinking: enableThinking }),
          },
        );
        assert.equal(ours.render(messages, options), expected);
      }),
      { seed: 20261122, numRuns: 300 },
    ),
  );
});

test('transformers.js strips white space that the template and Python keep, which is why `content` has none at its ends', async (t) => {
  const [ours, reference] = await Promise.all([ChatTemplate.load(QWEN3_TOKENIZER_DIR), referenceTokenizer()]);
  const messages: ChatMessage[] = [
    { role: 'user', content: 'indent' },
    { role: 'assistant', content: '  x' },
  ];
  const theirs = reference.apply_chat_template(
    messages as Parameters<typeof reference.apply_chat_template>[0],
    {
      tokenize: false,
    },
  );
  t.true(ours.render(messages).endsWith('</think>\n\n  x<|im_end|>\n'));
  t.true(String(theirs).endsWith('</think>\n\nx<|im_end|>\n'), String(theirs));
});
