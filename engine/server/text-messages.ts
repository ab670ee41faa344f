import type { DecodeOptions, EncodeOptions } from '../text/tokenizer.ts';
import type { VocabularyData } from '../text/vocabulary.ts';
import type { ChatPrompt } from './context.ts';
import type { ErrorData } from './thread-error.ts';

/** What the text's thread is started with. */
export interface TextThreadData {
  readonly modelDir: string;
}

/** A piece of work for the text's thread. */
export type TextJob =
  | { readonly type: 'encode'; readonly text: string; readonly options: EncodeOptions }
  | { readonly type: 'encodeChat'; readonly chat: ChatPrompt }
  | { readonly type: 'decode'; readonly ids: readonly number[]; readonly options: DecodeOptions }
  | { readonly type: 'tokens'; readonly ids: readonly number[] };

/** What a job computes. Ids in an array of numbers would take long to arrive. */
export type TextValue = Uint32Array<ArrayBuffer> | string[] | string;

/** From the text's thread to the server. */
export type FromTextThread =
  | { readonly type: 'ready'; readonly vocabulary: VocabularyData }
  | { readonly type: 'done'; readonly value: TextValue }
  | { readonly type: 'failed'; readonly error: ErrorData };
