import type { ChatTokenLogprobs, PromptLogprob } from '../logprob-shapes.ts';
import type { AnswerHead } from '../served-model.ts';
import type { Usage } from '../usage.ts';
import type { CalledFunction } from './tool-call-scanner.ts';

/** What answer and chunks share. */
export interface Envelope extends AnswerHead {
  id: string;
}

/** The answer in one object. */
export interface ChatCompletion extends Envelope {
  object: 'chat.completion';
  choices: ChatChoice[];
  usage: Usage;
  /** vLLM's. */
  prompt_logprobs?: (Record<string, PromptLogprob> | null)[];
  /** vLLM's. */
  prompt_token_ids?: readonly number[];
}

export interface ChatChoice extends ChoiceEnd {
  index: number;
  message: AssistantMessage;
  logprobs: ChoiceLogprobs | null;
  /** vLLM's. */
  token_ids?: readonly number[];
}

export interface AssistantMessage {
  role: 'assistant';
  content: string | null;
  refusal: null;
  reasoning_content?: string;
  tool_calls?: ToolCall[];
}

/** A call in OpenAI's form. */
export interface ToolCall {
  id: string;
  type: 'function';
  function: CalledFunction;
}

/** Log-probabilities of the tokens of a choice or a chunk. */
export interface ChoiceLogprobs {
  content: ChatTokenLogprobs[];
  refusal: null;
}

/** What ends a choice, in the answer and in its last chunk. */
export interface ChoiceEnd {
  finish_reason: 'stop' | 'length' | 'tool_calls';
  /** The stop string or the id of `stop_token_ids` that ended it (vLLM's). */
  stop_reason: string | number | null;
  /** SHA-256 of the logits of all tokens, as `plumbline generate` prints it. */
  fingerprint: string;
}

/** A part of a streamed answer. */
export interface ChatCompletionChunk extends Envelope {
  object: 'chat.completion.chunk';
  choices: ChatChunkChoice[];
  /**
   * If the request asks for it: of the answer in the last chunk, which has no choices, and null in the
   * others; of their choice with `continuous_usage_stats`.
   */
  usage?: Usage | null;
  /** In the first chunk of each choice. */
  prompt_token_ids?: readonly number[];
}

export interface ChatChunkChoice extends Partial<Omit<ChoiceEnd, 'finish_reason'>> {
  index: number;
  delta: ChatDelta;
  logprobs: ChoiceLogprobs | null;
  finish_reason: ChoiceEnd['finish_reason'] | null;
  token_ids?: readonly number[];
}

export interface ChatDelta {
  role?: 'assistant';
  content?: string;
  reasoning_content?: string;
  tool_calls?: (ToolCall & { index: number })[];
}
