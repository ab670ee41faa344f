import test from 'ava';
import { InternedText, textAlone } from '../../../../../verify/adapters/http/interned-text.ts';
import { scriptedDialect } from '../../../../support/servers/scripted-server.ts';

test('texts have ids as they come, and ids give the texts one after the other', (t) => {
  const text = new InternedText();
  const [prompt] = text.encode('Once upon');
  t.is(text.encode('Once upon')[0], prompt);
  const [a, the] = [text.idOf(' a')!, text.idOf(' the')!];
  t.is(new Set([prompt, a, the]).size, 3);
  t.is(text.textOf([prompt, a, the]), 'Once upon a the');
  t.is(text.textOf([a, 1000, the]), ' a the', 'an id that no text was given for has none');
});

test('pieces of characters have no id: many tokens have their text', (t) => {
  t.is(new InternedText().idOf('\ufffd'), undefined);
  t.is(new InternedText().idOf(''), undefined);
});

test('a dialect of texts alone shows no ids and does not count the prompt', (t) => {
  const row = [{ id: 3, text: 'a', logprob: -1 }];
  const completion = { tokens: [{ id: 3, text: 'a' }], rows: [row], promptIds: [1], promptLength: 1 };
  const dialect = textAlone(scriptedDialect(() => completion, { tokenize: async () => [1] }));
  t.deepEqual(dialect.prompts, ['text']);
  t.is(dialect.tokenize, undefined);
  const question = { asked: 'x', prompt: { text: 'p' }, maxNewTokens: 1, top: 1 };
  t.deepEqual(dialect.readCompletion({}, question), {
    tokens: [{ text: 'a' }],
    rows: [[{ text: 'a', logprob: -1 }]],
    finishReason: undefined,
  });
});
