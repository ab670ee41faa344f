import test from 'ava';
import { type AnswerOptions, answer } from '../../../../engine/cli/answer.ts';
import type { GenerateRequest } from '../../../../engine/requests.ts';
import { Tokenizer } from '../../../../engine/text/tokenizer.ts';
import { trackResources } from '../../../support/cleanup.ts';
import { ID, modelDir } from '../text/tiny.ts';
import { FakeEngine, TEXT_MODEL } from './support.ts';

trackResources(test);

const eosTokenIds = [ID.end];

/** Answers, and collects the pieces with the count they came at. */
async function collect(
  reply: number[],
  tokenizer: AnswerOptions['tokenizer'],
  options: Partial<GenerateRequest> = {},
) {
  const pieces: [string, number][] = [];
  const result = await answer(
    new FakeEngine(reply),
    { ids: [1], maxNewTokens: 10, ...options },
    { tokenizer, eosTokenIds, onPiece: (piece, count) => pieces.push([piece, count]) },
  );
  return { result, pieces };
}

test('text is told when its characters are whole, and is the same in the end', async (t) => {
  const tokenizer = await Tokenizer.load(modelDir(t, TEXT_MODEL));
  const { result, pieces } = await collect([ID.hel, 0xc3, 0xa9, 0xf0, 0x9f], tokenizer);
  t.deepEqual(pieces, [
    ['hel', 1],
    ['', 2],
    ['é', 3],
    ['', 4],
    ['', 5],
    ['\ufffd', 5],
  ]);
  t.deepEqual(result, {
    promptTokens: 1,
    tokens: [ID.hel, 0xc3, 0xa9, 0xf0, 0x9f],
    text: 'helé\ufffd',
    finishReason: 'length',
    fingerprint: 'f'.repeat(64),
    timing: { prefillMs: 1, decodeMs: 2 },
  });
});

test('the token that ends a text is among the tokens but not in the text', async (t) => {
  const tokenizer = await Tokenizer.load(modelDir(t, TEXT_MODEL));
  const { result } = await collect([0x61, ID.note, ID.end, 0x62], tokenizer);
  t.like(result, { text: 'a<note>', tokens: [0x61, ID.note, ID.end], finishReason: 'stop' });
});

test('an end-of-sequence token that is gone past is text', async (t) => {
  const tokenizer = await Tokenizer.load(modelDir(t, TEXT_MODEL));
  const { result } = await collect([0x61, ID.end, 0x62], tokenizer, { ignoreEos: true });
  t.like(result, { text: 'a<|end|>b', finishReason: 'length' });
});

test('without a tokenizer, ids are told as numbers with a space between, the last too, and there is no text', async (t) => {
  const { result, pieces } = await collect([5, 70, ID.end], undefined);
  t.deepEqual(
    pieces.map(([piece]) => piece),
    ['5', ' 70', ` ${ID.end}`, ''],
  );
  t.is(result.text, null);
});
