import test, { type ExecutionContext } from 'ava';
import { Tokenizer } from '../../../../engine/text/tokenizer.ts';
import { bytesOf, createStreams, vocabularyOf } from '../../../../engine/text/vocabulary.ts';
import { trackResources } from '../../../support/processes/cleanup.ts';
import { ID, modelDir, TINY_TOKENIZER_CONFIG, tinyTokenizerJson } from './tiny.ts';

trackResources(test);

async function tinyTokenizer(t: ExecutionContext): Promise<Tokenizer> {
  const files = { 'tokenizer.json': tinyTokenizerJson(), 'tokenizer_config.json': TINY_TOKENIZER_CONFIG };
  return Tokenizer.load(modelDir(t, files));
}

test('streams of a copied vocabulary give, piece by piece, the text of the tokenizer', async (t) => {
  const tokenizer = await tinyTokenizer(t);
  const streams = createStreams(structuredClone(vocabularyOf(tokenizer)));
  const padding = 400;
  const halves = [...Buffer.from('é😀')];
  for (const ids of [
    [...Buffer.from('\uFEFFhé'), ID.he, ID.hel],
    // An added token ends a character that is unfinished; a hole and padding do not.
    ...[ID.end, ID.note, ID.extra, ID.he + 10, padding].map((id) => [...halves.flatMap((b) => [b, id]), id]),
  ]) {
    for (const skipSpecialTokens of [true, false, undefined]) {
      const [ours, theirs] = [streams, tokenizer].map((each) => each.createStream({ skipSpecialTokens }));
      for (const id of ids) t.is(ours.push(id), theirs.push(id), `${ids}, at ${id}, ${skipSpecialTokens}`);
      t.is(ours.end(), theirs.end());
    }
  }
  t.is(streams.createStream().push(ID.end), '<|end|>', 'special tokens are text by default');
});

test('every token has the bytes of the tokenizer, the first and the last too; padding has none', async (t) => {
  const tokenizer = await tinyTokenizer(t);
  const data = vocabularyOf(tokenizer);
  t.true(bytesOf(0, data).length > 0);
  for (let id = 0; id < tokenizer.vocabSize + 2; id++) {
    t.deepEqual(bytesOf(id, data), tokenizer.bytesOf(id), `id ${id}`);
  }
});
