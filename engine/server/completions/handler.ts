import { randomUUID } from 'node:crypto';
import type { TokenLogprobs } from '../../serving/logprobs.ts';
import type { GenerateResult } from '../../serving/requests.ts';
import { ApiError } from '../api-error.ts';
import type { Handler, ServerContext } from '../context.ts';
import { maxNewTokensOf } from '../request-limits.ts';
import { randomSeed } from '../sampling-fields.ts';
import { type AnswerHead, answerHead } from '../served-model.ts';
import type { ServedEvent, ThreadRequest } from '../thread-messages.ts';
import { type Usage, usageOf, usageSoFar } from '../usage.ts';
import { Choice, type CompletionChoice } from './choice.ts';
import { merge } from './merge.ts';
import type { Prompt } from './prompts.ts';
import { type CompletionRequest, parseCompletion } from './request.ts';

/** vLLM's and OpenAI's default. */
const MAX_TOKENS = 16;

/** An answer, or a chunk of one, in OpenAI's form. */
export interface Completion extends AnswerHead {
  id: string;
  object: 'text_completion';
  choices: CompletionChoice[];
  /** Null in the chunks before the one that has it, if the request asks for it. */
  usage?: Usage | null;
}

/** Answers `POST /v1/completions`. */
export const completions: Handler = (body, context, signal) => {
  const request = parseCompletion(body, context);
  return request.stream ? stream(request, context, signal) : answer(request, context, signal);
};

async function answer(
  request: CompletionRequest,
  context: ServerContext,
  signal: AbortSignal,
): Promise<Completion> {
  const { prompts, sampling } = request;
  const release = context.admit(prompts.length * sampling.n);
  try {
    const requests = await toThreadRequests(request, context);
    const results: GenerateResult[][] = prompts.map(() => []);
    const starts = requests.map((each) => (either: AbortSignal) => context.engine.generate(each, either));
    for await (const [prompt, event] of merge(starts, signal)) {
      if (event.type === 'result') results[prompt][event.sample] = event.result;
    }
    const parts: CompletionChoice[] = [];
    const choices = choicesOf(requests, request, context).flat();
    for (const [i, result] of results.flat().entries()) parts.push(await choices[i].whole(result));
    return {
      ...headOf(context),
      choices: parts,
      usage: usageOf(results),
    };
  } finally {
    release();
  }
}

async function* stream(
  request: CompletionRequest,
  context: ServerContext,
  signal: AbortSignal,
): AsyncGenerator<Completion, void> {
  const { prompts, sampling, includeUsage, continuousUsage } = request;
  const release = context.admit(prompts.length * sampling.n);
  try {
    const requests = await toThreadRequests(request, context);
    const results: GenerateResult[][] = prompts.map(() => []);
    const choices = choicesOf(requests, request, context);
    const head = headOf(context);
    const chunk = (choice: Choice, part: CompletionChoice): Completion => ({
      ...head,
      choices: [part],
      ...(includeUsage && { usage: null }),
      ...(continuousUsage && { usage: usageSoFar(choice.ids.length, choice.numTokens) }),
    });
    const starts = requests.map((each) => (either: AbortSignal) => echoed(each, request, context, either));
    for await (const [prompt, event] of merge(starts, signal)) {
      if (event.type === 'prompt') {
        for (const choice of choices[prompt]) yield chunk(choice, await choice.prompt(event.logprobs));
        continue;
      }
      const choice = choices[prompt][event.sample];
      if (event.type === 'token') yield chunk(choice, choice.token(event));
      else {
        results[prompt][event.sample] = event.result;
        yield chunk(choice, choice.end(event.result));
      }
    }
    if (includeUsage) yield { ...head, choices: [], usage: usageOf(results) };
  } finally {
    release();
  }
}

/** Comes before the tokens of a prompt that is echoed. */
interface PromptEvent {
  readonly type: 'prompt';
  readonly logprobs: readonly TokenLogprobs[] | undefined;
}

/**
 * The events of a request, after those of its prompt if that is echoed. Its log-probabilities are a request
 * of their own, because the engine gives them with the result, after all tokens.
 */
async function* echoed(
  { promptLogprobs, ...request }: ThreadRequest,
  { echo }: CompletionRequest,
  { engine }: ServerContext,
  signal: AbortSignal,
): AsyncGenerator<ServedEvent | PromptEvent, void> {
  if (echo && promptLogprobs === undefined) yield { type: 'prompt', logprobs: undefined };
  if (promptLogprobs === undefined) return yield* engine.generate(request, signal);
  const { n: _, ...alone } = request;
  let cachedTokens = 0;
  for await (const event of engine.generate({ ...alone, promptLogprobs, maxNewTokens: 0 }, signal)) {
    if (event.type !== 'result') continue;
    cachedTokens = event.result.cachedTokens;
    yield { type: 'prompt', logprobs: event.result.promptLogprobs };
  }
  for await (const event of engine.generate(request, signal)) {
    yield event.type === 'result' ? { ...event, result: { ...event.result, cachedTokens } } : event;
  }
}

/** @returns what the engine is asked, for each prompt. @throws ApiError, OptionError if it is too long. */
async function toThreadRequests(
  request: CompletionRequest,
  context: ServerContext,
): Promise<ThreadRequest[]> {
  const { prompts, sampling, isSeeded, maxTokens, logprobs, cacheSalt, skipSpecialTokens, stream } = request;
  const promptLogprobs = Math.max(request.promptLogprobs ?? -1, (request.echo ? logprobs : undefined) ?? -1);
  const encoded = await Promise.all(prompts.map((prompt) => idsOf(prompt, request, context)));
  return encoded.map((ids, i) => ({
    ...sampling,
    ...(isSeeded ? {} : { seed: randomSeed() }),
    ids,
    maxNewTokens: maxNewTokensOf(
      {
        ...{ promptTokens: ids.length, maxTokens, minTokens: sampling.minNewTokens },
        ...{ field: 'max_tokens', byDefault: MAX_TOKENS },
        promptField: prompts.length > 1 ? `prompt[${i}]` : 'prompt',
      },
      context.engine.limits,
    ),
    skipSpecialTokens,
    ...(logprobs !== undefined && { logprobs }),
    ...(promptLogprobs >= 0 && { promptLogprobs }),
    ...(cacheSalt !== undefined && { cacheSalt }),
    resultsOnly: !stream,
  }));
}

async function idsOf(
  prompt: Prompt,
  { addSpecialTokens }: CompletionRequest,
  { text }: ServerContext,
): Promise<readonly number[]> {
  if ('ids' in prompt) return prompt.ids;
  const ids = await text.encode(prompt.text, { addSpecialTokens });
  if (ids.length > 0) return ids;
  throw new ApiError(400, 'the prompt has no tokens; expected at least one', { param: 'prompt' });
}

/** The choices of each prompt, numbered one prompt after the other. */
function choicesOf(
  requests: readonly ThreadRequest[],
  request: CompletionRequest,
  { vocabulary }: ServerContext,
): Choice[][] {
  const { n } = request.sampling;
  return requests.map(({ ids }, i) =>
    Array.from({ length: n }, (_, sample) => new Choice(i * n + sample, ids, request, vocabulary)),
  );
}

function headOf(context: ServerContext): Omit<Completion, 'choices' | 'usage'> {
  return { id: `cmpl-${randomUUID()}`, object: 'text_completion', ...answerHead(context) };
}
