import test from 'ava';
import { TokenText } from '../../../../../verify/adapters/http/token-text.ts';
import { NotSupportedError } from '../../../../../verify/errors.ts';
import { QWEN3_TOKENIZER_DIR, qwen3Tokenizer } from '../../../../support/models/tokenizer.ts';

const qwen3 = qwen3Tokenizer().then((tokenizer) => new TokenText(tokenizer));

test('a text stands for an id if it is exactly one token', async (t) => {
  const text = await qwen3;
  t.is(text.idOf('Hello'), 9707);
  t.is(text.idOf('<|im_end|>'), 151645);
  t.is(text.idOf('Hello, world'), undefined);
  t.is(text.idOf(''), undefined);
  t.is(text.idOf('\ufffd'), undefined, 'bytes of many tokens are shown so');
});

test('a token that no text encodes to is known by its bytes', async (t) => {
  const [text, tokenizer] = [await qwen3, await qwen3Tokenizer()];
  const cut = tokenizer.encode('🫨')[0];
  const name = Array.from(tokenizer.bytesOf(cut), (byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join(
    '',
  );
  t.throws(() => new TextDecoder('utf-8', { fatal: true }).decode(tokenizer.bytesOf(cut)));
  t.is(text.idOf(`bytes:${name}`), cut);
  t.is(text.idOf(`bytes:${name.toUpperCase().replaceAll('X', 'x')}`), cut);
  t.is(text.idOf('bytes:\\xff\\xff\\xff'), undefined);
  const split = Array.from({ length: 20_000 }, (_, id) => id + 100_000).find(
    (id) => !/\ufffd/.test(tokenizer.decode([id])) && tokenizer.encode(tokenizer.decode([id])).length > 1,
  );
  t.is(text.idOf(tokenizer.decode([split!])), split, 'a token that merges do not make of its own text');
  const decomposed = tokenizer.decode([132_515]);
  t.not(decomposed, decomposed.normalize('NFC'));
  t.is(text.idOf(decomposed), 132_515, 'a token that becomes another by NFC');
});

test('a text that several tokens have stands for none of them', (t) => {
  const text = new TokenText({
    encode: () => [7, 8],
    decode: () => '',
    vocabSize: 3,
    bytesOf: (id) => Buffer.from(['a', 'a', 'b'][id]),
  });
  t.is(text.idOf('a'), undefined);
  t.is(text.idOf('b'), 2);
  t.is(text.idOf('c'), undefined);
});

test('ids that a text encodes to are turned into it', async (t) => {
  const text = await qwen3;
  t.is(text.textOf([9707, 11, 1879], 'forward'), 'Hello, world');
});

test('ids that no text encodes to are named with the reason', async (t) => {
  const text = await qwen3;
  const tokenizer = await qwen3Tokenizer();
  const emoji = tokenizer.encode('🫨');
  t.true(emoji.length > 1, 'an emoji of several tokens');
  t.throws(() => text.textOf(emoji.slice(0, 1), 'forward: position 0 of 3'), {
    instanceOf: NotSupportedError,
    message:
      /^forward: position 0 of 3: the server takes text, and no text encodes to these \d ids: the prompt ends in the middle/,
  });
  const letters = [...tokenizer.encode('H'), ...tokenizer.encode('ello')];
  t.throws(() => text.textOf(letters, 'forward'), { message: /token 0 becomes another/ });
});

test('a directory without a tokenizer has no texts', async (t) => {
  t.is(await TokenText.load('/no/such/directory'), undefined);
  t.is((await TokenText.load(QWEN3_TOKENIZER_DIR))?.idOf('Hello'), 9707);
});
