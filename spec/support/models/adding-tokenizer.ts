import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FIXTURES } from '../../../generator/fixtures/fixture-specs.ts';

/** The id of `<|im_start|>` in the tokenizer of the fixture `dense`. */
export const START = Number(FIXTURES.dense.config.vocab_size) - 2;

/** Lets the tokenizer of a copy of `dense` begin every text with a special token, as other models' do. */
export function addsSpecialToken(modelDir: string): void {
  const path = join(modelDir, 'tokenizer.json');
  const id = '<|im_start|>';
  const sequence = (name: string, type: number) => ({ Sequence: { id: name, type_id: type } });
  const single = [{ SpecialToken: { id, type_id: 0 } }, sequence('A', 0)];
  const added = {
    ...{ type: 'TemplateProcessing', single, pair: [...single, sequence('B', 1)] },
    special_tokens: { [id]: { id, ids: [START], tokens: [id] } },
  };
  const json = JSON.parse(readFileSync(path, 'utf8'));
  writeFileSync(path, JSON.stringify({ ...json, post_processor: added }));
}
