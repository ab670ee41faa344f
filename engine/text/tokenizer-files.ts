import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** The files of a model directory that its tokenizer is read from. */
export const TOKENIZER_FILES = ['tokenizer.json', 'tokenizer_config.json'];

/** The files of a model directory that chat templates are in beside those of the tokenizer. */
export const TEMPLATE_FILES = ['chat_template.jinja', 'additional_chat_templates/*.jinja'];

/** Whether a model can be asked by text. */
export function hasTokenizerFiles(modelDir: string): boolean {
  return TOKENIZER_FILES.every((file) => existsSync(join(modelDir, file)));
}
