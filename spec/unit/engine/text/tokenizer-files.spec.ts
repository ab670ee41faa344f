import test from 'ava';
import { hasTokenizerFiles } from '../../../../engine/text/tokenizer-files.ts';
import { trackResources } from '../../../support/processes/cleanup.ts';
import { modelDir } from './tiny.ts';

trackResources(test);

test('a model has a tokenizer if both of its files are there', (t) => {
  const [json, config] = ['tokenizer.json', 'tokenizer_config.json'];
  t.true(hasTokenizerFiles(modelDir(t, { [json]: {}, [config]: {} })));
  for (const file of [json, config]) t.false(hasTokenizerFiles(modelDir(t, { [file]: {} })), file);
});
