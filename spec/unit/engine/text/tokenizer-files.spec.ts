import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { hasTokenizerFiles, templateFilesOf } from '../../../../engine/text/tokenizer-files.ts';
import { trackResources } from '../../../support/processes/cleanup.ts';
import { modelDir } from './tiny.ts';

trackResources(test);

test('a model has a tokenizer if both of its files are there', (t) => {
  const [json, config] = ['tokenizer.json', 'tokenizer_config.json'];
  t.true(hasTokenizerFiles(modelDir(t, { [json]: {}, [config]: {} })));
  for (const file of [json, config]) t.false(hasTokenizerFiles(modelDir(t, { [file]: {} })), file);
});

test('chat templates are a file and those of a folder', (t) => {
  const dir = modelDir(t, {});
  t.deepEqual(templateFilesOf(dir), []);
  mkdirSync(join(dir, 'additional_chat_templates'));
  for (const name of ['b.jinja', 'a.jinja', 'README']) {
    writeFileSync(join(dir, 'additional_chat_templates', name), '');
  }
  const additional = ['additional_chat_templates/a.jinja', 'additional_chat_templates/b.jinja'];
  t.deepEqual(templateFilesOf(dir), additional);
  writeFileSync(join(dir, 'chat_template.jinja'), '');
  t.deepEqual(templateFilesOf(dir), ['chat_template.jinja', ...additional]);
});
