import { readFileSync } from 'node:fs';
import test from 'ava';
import { ChatTemplate, type RenderOptions } from '../../engine/text/chat.ts';
import type { ChatMessage } from '../../engine/text/conversation.ts';
import { QWEN3_TOKENIZER_DIR, QWEN3_TOKENIZER_SHA256, qwen3Tokenizer } from '../support/models/tokenizer.ts';

/** What Python's transformers and Rust's tokenizers made of texts and conversations. */
interface Golden {
  source: string;
  texts: { text: string; ids: number[]; decoded: string; decodedWithoutSpecial: string }[];
  chats: {
    name: string;
    messages: ChatMessage[];
    options: {
      add_generation_prompt: boolean;
      enable_thinking?: boolean;
      tools?: NonNullable<RenderOptions['tools']>;
    };
    text: string;
    ids: number[];
  }[];
}

const golden: Golden = JSON.parse(
  readFileSync(new URL('../../golden/tokenizer/expected.json', import.meta.url), 'utf8'),
);

test('the golden holds 49 texts and 10 conversations, recorded with the tokenizer of the fixture', (t) => {
  t.true(golden.source.includes(QWEN3_TOKENIZER_SHA256), golden.source);
  t.is(golden.texts.length, 49);
  t.is(golden.chats.length, 10);
});

for (const [i, expected] of golden.texts.entries()) {
  test(`text ${i}, ${JSON.stringify(expected.text.slice(0, 40))}, has the ids and decodes to the text of Python`, async (t) => {
    const tokenizer = await qwen3Tokenizer();
    const ids = tokenizer.encode(expected.text);
    t.deepEqual(ids, expected.ids);
    t.is(tokenizer.decode(ids), expected.decoded);
    t.is(tokenizer.decode(ids, { skipSpecialTokens: true }), expected.decodedWithoutSpecial);
  });
}

for (const { name, messages, options, text, ids } of golden.chats) {
  test(`the conversation "${name}" has the prompt and the ids of Python`, async (t) => {
    const [tokenizer, template] = await Promise.all([
      qwen3Tokenizer(),
      ChatTemplate.load(QWEN3_TOKENIZER_DIR),
    ]);
    const prompt = template.render(messages, {
      addGenerationPrompt: options.add_generation_prompt,
      enableThinking: options.enable_thinking,
      tools: options.tools,
    });
    t.is(prompt, text);
    t.deepEqual(tokenizer.encode(prompt, { addSpecialTokens: false }), ids);
  });
}
