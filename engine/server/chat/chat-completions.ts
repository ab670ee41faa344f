import { randomUUID } from 'node:crypto';
import type { TokenLogprobs } from '../../serving/logprobs.ts';
import type { ServerContext } from '../context.ts';
import { chatLogprobs, promptLogprobs, type TokenNames } from '../logprob-shapes.ts';
import { answerHead } from '../served-model.ts';
import { mapInTurns } from '../turns.ts';
import { usageOf, usageSoFar } from '../usage.ts';
import { answerEvents, type ChoiceAnswered } from './answer-events.ts';
import { ChoiceMessage } from './choice-message.ts';
import { type ChatRequest, readChatRequest } from './request.ts';
import type {
  ChatChoice,
  ChatChunkChoice,
  ChatCompletion,
  ChatCompletionChunk,
  ChoiceEnd,
  ChoiceLogprobs,
  Envelope,
} from './shapes.ts';

/** `POST /v1/chat/completions`: OpenAI's, with vLLM's additions. */
export function chatCompletions(
  body: unknown,
  context: ServerContext,
  signal: AbortSignal,
): Promise<ChatCompletion> | AsyncGenerator<ChatCompletionChunk, void> {
  const request = readChatRequest(body, context);
  return request.stream ? chunksOf(request, context, signal) : completionOf(request, context, signal);
}

/** The answer in one object. */
async function completionOf(
  request: ChatRequest,
  context: ServerContext,
  signal: AbortSignal,
): Promise<ChatCompletion> {
  const envelope = envelopeOf(context);
  const names = { vocabulary: context.vocabulary, asIds: request.tokensAsIds };
  const messages = messagesOf(request, envelope);
  const ends: ChoiceAnswered[] = [];
  let promptIds: readonly number[] = [];
  for await (const event of answerEvents(request, context, signal)) {
    if (event.type === 'prompt') {
      promptIds = event.ids;
      continue;
    }
    if (event.type !== 'end') continue;
    messages[event.choice].add(event.piece);
    ends[event.choice] = event;
  }
  const choices: ChatChoice[] = [];
  for (const { choice, result } of ends) {
    choices.push({
      index: choice,
      message: messages[choice].whole(),
      logprobs: await logprobsOf(result.logprobs, names),
      ...endOf(result, messages[choice]),
      ...(request.returnTokenIds && { token_ids: result.tokens }),
    });
  }
  const scored = ends[0].result.promptLogprobs;
  return {
    ...envelope,
    object: 'chat.completion',
    choices,
    usage: usageOf([ends.map(({ result }) => result)]),
    ...(scored && { prompt_logprobs: await promptLogprobs(scored, names) }),
    ...(request.returnTokenIds && { prompt_token_ids: promptIds }),
  };
}

/** The answer in chunks: for each choice its role, its parts as they come, and its end; then the usage. */
async function* chunksOf(
  request: ChatRequest,
  context: ServerContext,
  signal: AbortSignal,
): AsyncGenerator<ChatCompletionChunk, void> {
  const envelope = envelopeOf(context);
  const names = { vocabulary: context.vocabulary, asIds: request.tokensAsIds };
  const messages = messagesOf(request, envelope);
  const ends: ChoiceAnswered[] = [];
  const numTokens = messages.map(() => 0);
  let promptIds: readonly number[] = [];
  let isBegun = false;
  const chunk = (choice: number, part: Omit<ChatChunkChoice, 'index'>): ChatCompletionChunk => ({
    ...envelope,
    object: 'chat.completion.chunk',
    choices: [{ index: choice, ...part }],
    ...(request.includeUsage && { usage: null }),
    ...(request.continuousUsage && { usage: usageSoFar(promptIds.length, numTokens[choice]) }),
  });
  for await (const event of answerEvents(request, context, signal)) {
    if (event.type === 'prompt') {
      promptIds = event.ids;
      continue;
    }
    if (!isBegun) {
      // After the first event, so that a request that the engine refuses is answered with its status.
      for (const choice of messages.keys()) {
        const delta = { role: 'assistant', content: '' } as const;
        yield {
          ...chunk(choice, { delta, logprobs: null, finish_reason: null }),
          ...(request.returnTokenIds && { prompt_token_ids: promptIds }),
        };
      }
      isBegun = true;
    }
    const { choice, piece } = event;
    const delta = messages[choice].add(piece);
    const isToken = event.type === 'token';
    if (isToken) numTokens[choice]++;
    const scored = isToken ? event.logprobs : undefined;
    const logprobs = scored ? { content: [chatLogprobs(scored, names)], refusal: null } : null;
    const tokenIds = request.returnTokenIds && isToken && { token_ids: [event.token] };
    if (delta || logprobs || tokenIds) {
      yield chunk(choice, { delta: delta ?? {}, logprobs, finish_reason: null, ...tokenIds });
    }
    if (isToken) continue;
    ends[choice] = event;
    yield chunk(choice, { delta: {}, logprobs: null, ...endOf(event.result, messages[choice]) });
  }
  if (request.includeUsage) {
    const usage = usageOf([ends.map(({ result }) => result)]);
    yield { ...envelope, object: 'chat.completion.chunk', choices: [], usage };
  }
}

function envelopeOf(context: ServerContext): Envelope {
  return { id: `chatcmpl-${randomUUID().replaceAll('-', '')}`, ...answerHead(context) };
}

/** Ids of calls begin with the random part of the answer's id. */
function messagesOf({ generation }: ChatRequest, { id }: Envelope): ChoiceMessage[] {
  const prefix = id.replace('chatcmpl-', 'call_');
  return Array.from({ length: generation.n ?? 1 }, (_, choice) => new ChoiceMessage(`${prefix}_${choice}`));
}

async function logprobsOf(
  tokens: readonly TokenLogprobs[] | undefined,
  names: TokenNames,
): Promise<ChoiceLogprobs | null> {
  if (!tokens) return null;
  return { content: await mapInTurns(tokens, (each) => chatLogprobs(each, names)), refusal: null };
}

/** A choice that ends by itself after calls waits for their results: `tool_calls`. */
function endOf(
  { finishReason, stopReason, fingerprint }: ChoiceAnswered['result'],
  { numToolCalls }: ChoiceMessage,
): ChoiceEnd {
  const isCalling = finishReason === 'stop' && numToolCalls > 0;
  return {
    finish_reason: isCalling ? 'tool_calls' : finishReason,
    stop_reason: stopReason ?? null,
    fingerprint,
  };
}
