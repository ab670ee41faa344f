import { Engine, readModelConfig } from '../../engine/index.ts';
import { ChatTemplate } from '../../engine/text/chat.ts';
import type { ChatMessage } from '../../engine/text/conversation.ts';
import { Tokenizer } from '../../engine/text/tokenizer.ts';
import { idsOfPrompt, isIdPrompt } from '../../golden/id-prompts.ts';
import { judgedPositions } from '../../golden/judged-positions.ts';
import type { Prompt, Prompts } from '../../golden/schema.ts';
import type { VerifyCase } from '../../golden/verify-case.ts';
import { keep } from '../kept/keep.ts';
import { keptPath } from '../kept/kept-path.ts';
import { readContinuations, writeContinuations } from './continuations-file.ts';

/** The prompt of a case before anything was generated. */
type EncodedPrompt = Omit<VerifyCase, 'greedy' | 'positions'>;

export interface PromptCasesOptions {
  /** Where continuations are kept. Default: the project's cache. */
  readonly folder?: string;
  /** Called with what takes long and is done next. */
  readonly onProgress?: (what: string) => void;
  /** Called after each prompt has been continued; not called if the continuations were kept. */
  readonly onCase?: (id: string, done: number, of: number) => void;
  /** Ends the work between two steps of the engine. */
  readonly signal?: AbortSignal;
}

/**
 * The cases of a model that has no goldens: its own tokenizer encodes the prompts, and our engine continues
 * them, once: the tokens are kept, see {@link keptPath}.
 *
 * @throws PromptError if an id is outside the vocabulary, or a prompt does not fit the model.
 * @throws TokenizerError, ChatTemplateError as their readers do, if a prompt is a text.
 * @throws what `Engine.load` throws; the reason of `signal` if it is aborted.
 */
export async function promptCases(
  modelDir: string,
  { prompts, maxNewTokens }: Prompts,
  options: PromptCasesOptions = {},
): Promise<VerifyCase[]> {
  const { vocabSize } = await readModelConfig(modelDir);
  const encoded = await encodePrompts(modelDir, prompts, vocabSize);
  const continued = encoded.filter(({ promptIds }) => promptIds.length > 0);
  const tokens = await continuations(modelDir, continued, maxNewTokens, options);
  const greedyOf = new Map(continued.map(({ id }, i) => [id, tokens[i]]));
  return encoded.map((prompt): VerifyCase => {
    const greedy = greedyOf.get(prompt.id);
    if (!greedy) return { ...prompt, greedy: [], positions: [], refusal: 'the prompt is empty' };
    return { ...prompt, greedy, positions: judgedPositions(prompt.promptIds.length, greedy.length) };
  });
}

/** The greedy tokens after each prompt, kept or computed. */
async function continuations(
  modelDir: string,
  prompts: readonly EncodedPrompt[],
  maxNewTokens: number,
  { onProgress = () => {}, folder, signal, onCase }: PromptCasesOptions,
): Promise<readonly (readonly number[])[]> {
  const question = { maxNewTokens, prompts: prompts.map(({ promptIds }) => promptIds) };
  const path = await keptPath({
    ...{ modelDir, question, extension: '.json', folder, signal },
    onRead: (file) => onProgress(`hash of ${file}`),
  });
  const kept = readContinuations(path);
  if (kept?.length === prompts.length) return kept;
  onProgress(`greedy tokens after ${prompts.length} prompts`);
  const computed = await continueAll(modelDir, prompts, maxNewTokens, { onCase, signal });
  keep(path, () => writeContinuations(path, computed));
  return computed;
}

async function continueAll(
  modelDir: string,
  prompts: readonly EncodedPrompt[],
  maxNewTokens: number,
  { onCase = () => {}, signal }: PromptCasesOptions,
): Promise<readonly (readonly number[])[]> {
  const engine = await Engine.load(modelDir);
  try {
    const requests = prompts.map(({ promptIds: ids }) => ({ ids, maxNewTokens, ignoreEos: true }));
    const tokens: (readonly number[])[] = [];
    let done = 0;
    // Together: each step of decoding reads all weights, for one prompt as for all of them.
    for await (const event of engine.generate(requests)) {
      signal?.throwIfAborted();
      if (event.type === 'error') throw event.error;
      if (event.type !== 'result') continue;
      tokens[event.request] = event.result.tokens;
      onCase(prompts[event.request].id, ++done, prompts.length);
    }
    return tokens;
  } finally {
    await engine.close();
  }
}

async function encodePrompts(
  modelDir: string,
  prompts: readonly Prompt[],
  vocabSize: number,
): Promise<EncodedPrompt[]> {
  const tokenizer = prompts.some((prompt) => !isIdPrompt(prompt))
    ? await Tokenizer.load(modelDir)
    : undefined;
  const isChat = prompts.some((prompt) => 'messages' in prompt);
  const template = isChat ? await ChatTemplate.load(modelDir) : undefined;
  return prompts.map((prompt): EncodedPrompt => {
    const { id } = prompt;
    if (isIdPrompt(prompt)) return { id, promptIds: idsOfPrompt(prompt, vocabSize) };
    if ('text' in prompt) {
      return {
        id,
        text: prompt.text,
        promptIds: tokenizer!.encode(prompt.text, { addSpecialTokens: false }),
      };
    }
    const { tools, ...options } = { addGenerationPrompt: true, ...prompt.template };
    const text = template!.render(prompt.messages as unknown as ChatMessage[], {
      ...options,
      ...(tools ? { tools: tools as Record<string, unknown>[] } : {}),
    });
    const promptIds = tokenizer!.encode(text, { addSpecialTokens: false });
    return { id, text, promptIds, conversation: prompt };
  });
}
