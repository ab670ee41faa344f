import test from 'ava';
import { thinkingAfter } from '../../../../../engine/server/chat/prompt-thinking.ts';
import { scriptedContext } from './scripted-context.ts';

const messages = [{ role: 'user', content: 'hi </think>' }] as const;

test('the end of the prompt tells whether the answer can begin with thoughts', (t) => {
  for (const [prompt, thinking] of [
    [['<|im_start|>', 'assistant', '\n'], 'possible'],
    [['<think>', '\n\n', '</think>', '\n\n'], 'none'],
    [['assistant', '\n', '<think>', '\n'], 'begun'],
    [['assistant', '\n', '<thi', 'nk>'], 'begun'],
    [['</think>', 'assistant', '\n'], 'possible'],
    [['<think>', ...Array(31).fill('\n')], 'begun'],
    // More tokens than are looked at.
    [['<think>', ...Array(32).fill('\n')], 'possible'],
    [['</think>', 'a'], 'possible'],
    [['<think>', 'a'], 'possible'],
    [[], 'possible'],
  ] as const) {
    const context = scriptedContext({ prompt });
    const vocabulary = Array.from({ length: context.engine.limits.vocabSize }, (_, id) =>
      context.vocabulary.textOf(id),
    );
    const ids = prompt.map((text) => vocabulary.indexOf(text));
    t.false(ids.includes(-1), 'the vocabulary has the prompt');
    t.is(thinkingAfter({ messages }, ids, context), thinking, JSON.stringify(prompt));
  }
});

test('a model that does not think has no thoughts', (t) => {
  const context = scriptedContext({ prompt: ['<think>'], traits: { hasThinking: false } });
  t.is(thinkingAfter({ messages }, [1], context), 'none');
});

test('of a continued message the text tells whether its thoughts have ended', (t) => {
  const context = scriptedContext();
  const after = (content: string) => {
    const chat = {
      messages: [...messages, { role: 'assistant', content } as const],
      continueFinalMessage: true,
    };
    return thinkingAfter(chat, [], context);
  };
  t.is(after('<think>\nLet me'), 'begun');
  t.is(after('<think>\nLet me\n</think>\n\nThe'), 'none');
  t.is(after('<think>a</think>b<think>c'), 'begun');
  t.is(after('</think>'), 'none');
  t.is(after('The'), 'none');
  t.is(after(''), 'none');
  const empty = { messages: [...messages, { role: 'assistant', content: null } as const] };
  t.is(thinkingAfter({ ...empty, continueFinalMessage: true }, [], context), 'none');
});
