import type { TokenLogprobs } from '../../serving/logprobs.ts';
import {
  type ChatTokenLogprobs,
  chatLogprobs,
  type PromptLogprob,
  type TokenNames,
} from '../logprob-shapes.ts';
import type { Usage } from '../usage.ts';
import type { ChoiceAnswered } from './answer-events.ts';
import type { CalledFunction } from './tool-call-scanner.ts';

/** Why a choice ended. A choice that ends by itself after calling functions waits for their results. */
export type ChatFinishReason = 'stop' | 'length' | 'tool_calls';

/** A call in OpenAI's form. */
export interface ToolCall {
  id: string;
  type: 'function';
  function: CalledFunction;
}

/** What answer and chunks share. */
export interface Envelope {
  id: string;
  /** Unix seconds. */
  created: number;
  model: string;
  system_fingerprint: string;
}

/** Log-probabilities of a choice's tokens, or of a chunk's; null if the request asks for none. */
export type ChoiceLogprobs = { content: ChatTokenLogprobs[]; refusal: null } | null;

/** What ends a choice, in the answer and in its last chunk. */
export interface ChoiceEnd {
  finish_reason: ChatFinishReason;
  /** SHA-256 of the logits of all tokens, as `plumbline generate` prints it. */
  fingerprint: string;
}

/** The answer in one object. */
export interface ChatCompletion extends Envelope {
  object: 'chat.completion';
  choices: ChatChoice[];
  usage: Usage;
  prompt_logprobs?: (Record<string, PromptLogprob> | null)[];
  prompt_token_ids?: readonly number[];
}

export interface ChatChoice extends ChoiceEnd {
  index: number;
  message: {
    role: 'assistant';
    content: string | null;
    refusal: null;
    reasoning_content?: string;
    tool_calls?: ToolCall[];
  };
  logprobs: ChoiceLogprobs;
  token_ids?: number[];
}

/** A part of a streamed answer. */
export interface ChatCompletionChunk extends Envelope {
  object: 'chat.completion.chunk';
  choices: ChatChunkChoice[];
  usage?: Usage | null;
  prompt_token_ids?: readonly number[];
}

export interface ChatChunkChoice extends Partial<Omit<ChoiceEnd, 'finish_reason'>> {
  index: number;
  delta: ChatDelta;
  logprobs: ChoiceLogprobs;
  finish_reason: ChatFinishReason | null;
  token_ids?: number[];
}

export interface ChatDelta {
  role?: 'assistant';
  content?: string;
  reasoning_content?: string;
  tool_calls?: (ToolCall & { index: number })[];
}

/** Log-probabilities of the given tokens. */
export function choiceLogprobs(
  logprobs: readonly TokenLogprobs[] | undefined,
  names: TokenNames,
): ChoiceLogprobs {
  return logprobs ? { content: logprobs.map((each) => chatLogprobs(each, names)), refusal: null } : null;
}

/** @param numCalls of functions in the choice. */
export function choiceEnd({ result }: Pick<ChoiceAnswered, 'result'>, numCalls: number): ChoiceEnd {
  const { finishReason, fingerprint } = result;
  return {
    finish_reason: finishReason === 'stop' && numCalls > 0 ? 'tool_calls' : finishReason,
    fingerprint,
  };
}

/**
 * A call with an id that no other call has: it begins with the random id of the answer.
 *
 * @param choice index of the choice, and of the call in it.
 */
export function toolCall(answerId: string, choice: number, index: number, called: CalledFunction): ToolCall {
  const { name, arguments: json } = called;
  const id = `call_${answerId.replace(/^chatcmpl-/, '')}_${choice}_${index}`;
  return { id, type: 'function', function: { name, arguments: json } };
}
