import test from 'ava';
import fc from 'fast-check';
import { inTurns, jsonPieces } from '../../../../engine/server/json-pieces.ts';

const SEED = 20261129;
const joined = (answer: object) => [...jsonPieces(answer)].join('');

test('pieces are the JSON of JSON.stringify, of any data', (t) => {
  const data = fc.oneof(fc.dictionary(fc.string(), fc.jsonValue()), fc.array(fc.jsonValue()));
  fc.assert(
    fc.property(data, (answer) => t.is(joined(answer), JSON.stringify(answer))),
    { seed: SEED },
  );
  const odd = { a: undefined, b: [undefined, NaN, -0], c: { d: undefined }, '"': [], e: {}, __proto: null };
  t.is(joined(odd), JSON.stringify(odd));
  t.is(joined({ a: undefined }), '{}');
});

test('log-probabilities are cut between their rows; a short answer is one piece', async (t) => {
  const content = Array.from({ length: 5000 }, (_, token) => ({
    token,
    top: Array(5).fill({ logprob: -1 }),
  }));
  const answer = { choices: [{ logprobs: { content } }] };
  const pieces = [...jsonPieces(answer)];
  t.is(pieces.join(''), JSON.stringify(answer));
  t.true(pieces.length > 5, `${pieces.length} pieces`);
  for (const { length } of pieces) t.true(length < 2 ** 16 + 200, `a piece has ${length} characters`);
  t.is([...jsonPieces({ choices: [] })].length, 1);
  let numTurns = 0;
  for await (const _ of inTurns(pieces)) setImmediate(() => numTurns++);
  t.is(numTurns, pieces.length);
});
