import type { TokenLogprobs } from '../../serving/logprobs.ts';
import type { FinishReason, GenerateResult } from '../../serving/requests.ts';
import { ApiError, toApiError } from '../api-error.ts';

import type { ServerContext } from '../context.ts';
import { maxNewTokensOf } from '../request-limits.ts';
import { MessageParser, type MessagePiece } from './message-parser.ts';
import { thinkingAfter } from './prompt-thinking.ts';
import type { ChatRequest } from './request.ts';

/** A token of one choice of a stream, and what it adds to the message. */
export interface TokenAnswered {
  readonly type: 'token';
  readonly choice: number;
  readonly piece: MessagePiece;
  readonly token: number;
  readonly logprobs: TokenLogprobs | undefined;
}

/** The end of one choice, and what is left of its message: all of it if the answer is no stream. */
export interface ChoiceAnswered {
  readonly type: 'end';
  readonly choice: number;
  readonly piece: MessagePiece;
  readonly result: GenerateResult & { readonly finishReason: Exclude<FinishReason, 'abort'> };
}

/** The prompt, before all other events. */
export interface PromptRendered {
  readonly type: 'prompt';
  readonly ids: readonly number[];
}

export type AnswerEvent = PromptRendered | TokenAnswered | ChoiceAnswered;

/**
 * Renders the conversation and has it answered.
 *
 * @throws ApiError if the queue is full, or the conversation does not fit the template or the engine; what
 * the engine throws.
 */
export async function* answerEvents(
  request: ChatRequest,
  context: ServerContext,
  signal: AbortSignal,
): AsyncGenerator<AnswerEvent, void> {
  const { generation, prompt, hasToolCalls, maxTokens, maxTokensField, stream } = request;
  const numChoices = generation.n ?? 1;
  // Before the conversation is rendered: what waits for that is a part of the queue.
  const leaveQueue = context.admit(numChoices);
  try {
    const ids = await encode(request, context);
    const maxNewTokens = maxNewTokensOf(
      {
        promptTokens: ids.length,
        promptField: 'messages',
        maxTokens,
        field: maxTokensField,
        byDefault: Number.POSITIVE_INFINITY,
        minTokens: generation.minNewTokens,
      },
      context.engine.limits,
    );
    const thinking = thinkingAfter(prompt, ids, context);
    const parsers = Array.from({ length: numChoices }, () => new MessageParser({ thinking, hasToolCalls }));
    yield { type: 'prompt', ids };
    const asked = { ...generation, ids, maxNewTokens, resultsOnly: !stream };
    for await (const event of context.engine.generate(asked, signal)) {
      const { sample } = event;
      const parser = parsers[sample];
      if (event.type === 'token') {
        const { token, logprobs, text = '' } = event;
        yield { type: 'token', choice: sample, piece: parser.push(text), token, logprobs };
      } else {
        const { finishReason, ...result } = event.result;
        if (finishReason === 'abort') throw signal.reason;
        const piece = stream ? parser.end() : parser.whole(result.text ?? '');
        yield { type: 'end', choice: sample, piece, result: { ...result, finishReason } };
      }
    }
  } finally {
    leaveQueue();
  }
}

async function encode({ prompt }: ChatRequest, { text }: ServerContext): Promise<number[]> {
  try {
    return await text.encodeChat(prompt);
  } catch (error) {
    const { status, message, param = 'messages' } = toApiError(error);
    throw status === 400 ? new ApiError(400, message, { param, cause: error }) : error;
  }
}
