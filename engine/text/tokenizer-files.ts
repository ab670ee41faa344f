import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** The files of a model directory that its tokenizer is read from. */
export const TOKENIZER_FILES = ['tokenizer.json', 'tokenizer_config.json'];

const TEMPLATE_FOLDER = 'additional_chat_templates';

/** The files of a model directory that chat templates are in beside those of the tokenizer. */
export const TEMPLATE_FILES = ['chat_template.jinja', `${TEMPLATE_FOLDER}/*.jinja`];

/** Those that a model directory has, as paths in it. */
export function templateFilesOf(modelDir: string): string[] {
  const files = [TEMPLATE_FILES[0], ...additionalTemplatesOf(modelDir)];
  return files.filter((file) => existsSync(join(modelDir, file)));
}

/** Those in the folder of additional templates, as paths in the model directory; empty without the folder. */
export function additionalTemplatesOf(modelDir: string): string[] {
  let names: string[];
  try {
    names = readdirSync(join(modelDir, TEMPLATE_FOLDER)).sort();
  } catch {
    return [];
  }
  return names.filter((name) => name.endsWith('.jinja')).map((name) => join(TEMPLATE_FOLDER, name));
}

/** Whether a model can be asked by text. */
export function hasTokenizerFiles(modelDir: string): boolean {
  return TOKENIZER_FILES.every((file) => existsSync(join(modelDir, file)));
}
