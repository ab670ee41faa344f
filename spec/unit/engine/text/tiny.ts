import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { BYTE_CHARACTERS } from '../../../../engine/text/byte-level.ts';
import { temporaryFolder } from '../../../support/processes/cleanup.ts';

/** Ids of {@link tinyTokenizerJson}: bytes are their own ids, other tokens are named here. */
export const ID = { he: 256, hel: 257, end: 300, note: 301, extra: 302 } as const;

/**
 * A byte-level BPE with two merges, no token for ids 258 to 299, and three added tokens: `<|end|>` is
 * special, `<note>` is not, `<|extra|>` is so only by `additional_special_tokens` of {@link
 * TINY_TOKENIZER_CONFIG}.
 */
export function tinyTokenizerJson() {
  const vocab: Record<string, unknown> = Object.fromEntries(BYTE_CHARACTERS.map((c, byte) => [c, byte]));
  const merges: unknown[] = ['h e', 'he l'];
  const model: Record<string, unknown> = { type: 'BPE', vocab: { ...vocab, he: ID.he, hel: ID.hel }, merges };
  const added_tokens: unknown[] = [
    { id: ID.end, content: '<|end|>', special: true, normalized: false },
    { id: ID.note, content: '<note>', special: false, normalized: false },
    { id: ID.extra, content: '<|extra|>', normalized: false },
  ];
  const post_processor: unknown = { type: 'ByteLevel' };
  return {
    version: '1.0',
    added_tokens,
    normalizer: { type: 'NFC' } as unknown,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, use_regex: false },
    post_processor,
    decoder: { type: 'ByteLevel' } as unknown,
    model,
  };
}

export const TINY_TOKENIZER_CONFIG = {
  additional_special_tokens: ['<|extra|>'],
  clean_up_tokenization_spaces: false,
};

/** A temporary folder with the given files; what is not a string or bytes is written as JSON. */
export function modelDir(t: ExecutionContext, files: Record<string, unknown>): string {
  const dir = temporaryFolder(t);
  for (const [name, content] of Object.entries(files)) {
    const isRaw = typeof content === 'string' || content instanceof Uint8Array;
    writeFileSync(join(dir, name), isRaw ? content : JSON.stringify(content));
  }
  return dir;
}
