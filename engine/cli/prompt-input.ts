import type { SamplingOptions } from '../serving/sampling-params.ts';
import type { Chat } from './input-files.ts';

/** What is to be continued, before there is a model to say what its token ids are. */
export type Prompt = { text: string } | { chat: Chat } | { ids: readonly number[] };

/** A prompt as it was given. */
export interface PromptInput {
  /** What errors call it: `prompt 0`, or its file and line. */
  name: string;
  prompt: Prompt;
  /** What its line of a file of requests says; goes before the flags. */
  maxTokens: number | undefined;
  sampling: SamplingOptions;
}
