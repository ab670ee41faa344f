import type { RenderOptions } from '../text/chat.ts';
import type { ChatMessage } from '../text/conversation.ts';
import type { DecodeOptions, EncodeOptions } from '../text/tokenizer.ts';
import type { TemplateTraits } from './chat/template-traits.ts';
import type { EngineThread } from './engine-thread.ts';

/** A conversation that the model's chat template makes a prompt of. JSON in it is read where that runs. */
export interface ChatPrompt extends Omit<RenderOptions, 'tools'> {
  /** The arguments of calls are texts as they were sent. */
  readonly messages: readonly ChatMessage[];
  /** The JSON of an array of objects. Default: no tools. */
  readonly toolsJson?: string;
  /** Whether the template takes the arguments of a call as JSON; otherwise as an object. Default false. */
  readonly argumentsAsJson?: boolean;
}

/**
 * Text to tokens and back, computed in another thread. Every method throws an ApiError 400 if the model has
 * no tokenizer files, or the text or the conversation is refused.
 */
export interface ServedText {
  encode(text: string, options?: EncodeOptions): Promise<number[]>;
  /** The tokens of the prompt that the chat template renders. */
  encodeChat(chat: ChatPrompt): Promise<number[]>;
  decode(ids: readonly number[], options?: DecodeOptions): Promise<string>;
  /** The tokens as the vocabulary spells them, e.g. `Ġworld`. */
  tokens(ids: readonly number[]): Promise<string[]>;
}

/** Single tokens, in memory of the server's thread. */
export interface ServedVocabulary {
  /** The token's text, with U+FFFD for bytes that are no character; `token_id:42` without a tokenizer. */
  textOf(id: number): string;
  /** The token's bytes, which need not be whole characters. */
  bytesOf(id: number): Uint8Array;
  /** Whether the token is marked special, such as `<|im_end|>`. */
  isSpecial(id: number): boolean;
}

/** What the handler of a route uses beside the body of its request. */
export interface ServerContext {
  readonly engine: Pick<EngineThread, 'generate' | 'limits' | 'stats'>;
  readonly text: ServedText;
  readonly vocabulary: ServedVocabulary;
  /** What the model's chat template says of its answers. */
  readonly templateTraits: TemplateTraits;
  readonly servedModelName: string;
  /** Names weights, program and kernels. */
  readonly systemFingerprint: string;
  /** The most probable tokens that a request may ask for; −1 for the whole vocabulary. */
  readonly maxLogprobs: number;
  /** When the server was started, in Unix seconds. */
  readonly created: number;
  /**
   * Counts sequences as waiting or running until the returned function is called.
   *
   * @throws ApiError 429 if the queue is full.
   */
  admit(numSequences: number): () => void;
}

/**
 * Answers a request, in one object or in chunks. Errors before the first chunk become the status of the
 * answer, so that a handler checks the body before it yields.
 *
 * @param body parsed JSON of any shape.
 * @param signal aborted when the client leaves, the time limit is over or the server ends; what waits for
 * the engine then throws its reason.
 * @throws ApiError, and what the engine throws.
 */
export type Handler = (
  body: unknown,
  context: ServerContext,
  signal: AbortSignal,
) => Promise<object> | AsyncGenerator<object, void>;
