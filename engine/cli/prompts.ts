import type { ModelConfig } from '../config.ts';
import { PromptError, UsageError } from '../errors.ts';
import { checkPrompt } from '../serving/prompt.ts';
import { hasTokenizerFiles, TEMPLATE_FILES } from '../text/tokenizer-files.ts';
import { type Chat, readChat, readIdLists, readText } from './input-files.ts';
import type { Io, LoadedTokenizer } from './io.ts';
import { COMPUTED_FILES, type ModelFiles, TEXT_FILES } from './model-option.ts';

/** What is to be continued; only the model's tokenizer turns it into token ids. */
export type Prompt = { text: string } | { chat: Chat } | { ids: readonly number[] };

/**
 * The options that give prompts without sampling options of their own; at most one of prompt, chat and ids.
 */
export interface PromptOptions {
  /** `-` for standard input. */
  prompt?: string;
  /** A JSON file: an array of messages, or an object of messages, tools and enable_thinking. */
  chat?: string;
  /** A JSON file: an array of arrays of token ids. */
  ids?: string;
  /** Takes precedence over `enable_thinking` of the chat file. */
  thinking?: boolean;
}

/**
 * @throws UsageError if no option gives a prompt.
 * @throws FileError, ChatTemplateError if a file cannot be read or is malformed.
 */
export async function readPrompts({ prompt, chat, ids, thinking }: PromptOptions): Promise<Prompt[]> {
  if (prompt !== undefined) return [{ text: await readText(prompt) }];
  if (chat !== undefined) {
    const read = await readChat(chat);
    return [{ chat: { ...read, enableThinking: thinking ?? read.enableThinking } }];
  }
  if (ids !== undefined) return (await readIdLists(ids)).map((list) => ({ ids: list }));
  throw new UsageError('nothing to continue: give --prompt, --chat, --ids or --requests');
}

/** The files of the model that computation and the prompts need. */
export function filesNeeded(prompts: readonly Prompt[]): ModelFiles {
  const { files, optional } = COMPUTED_FILES;
  const template = hasChat(prompts) ? TEMPLATE_FILES : [];
  return hasText(prompts)
    ? { ...COMPUTED_FILES, files: [...files, ...TEXT_FILES.files], optional: [...optional, ...template] }
    : // Ids need no tokenizer, but their continuations are printed as text if there is one.
      { ...COMPUTED_FILES, optional: [...optional, ...TEXT_FILES.files] };
}

/**
 * Token ids, and the tokenizer that turns generated tokens into text; undefined for ids if the model has
 * none.
 */
export interface EncodedPrompts {
  ids: readonly (readonly number[])[];
  tokenizer: LoadedTokenizer | undefined;
}

/** @throws TokenizerError, ChatTemplateError if the model's tokenizer or template is missing or fails. */
export async function encodePrompts(
  prompts: readonly Prompt[],
  modelDir: string,
  io: Io,
): Promise<EncodedPrompts> {
  const template = hasChat(prompts) ? await io.loadChatTemplate(modelDir) : undefined;
  const tokenizer =
    hasText(prompts) || hasTokenizerFiles(modelDir) ? await io.loadTokenizer(modelDir) : undefined;
  const ids = prompts.map((prompt) => {
    if ('ids' in prompt) return prompt.ids;
    if ('text' in prompt) return tokenizer!.encode(prompt.text);
    const { messages, tools, enableThinking } = prompt.chat;
    const text = template!.render(messages, { addGenerationPrompt: true, enableThinking, tools });
    // The template has written all special tokens itself.
    return tokenizer!.encode(text, { addSpecialTokens: false });
  });
  return { ids, tokenizer };
}

function hasText(prompts: readonly Prompt[]): boolean {
  return prompts.some((prompt) => !('ids' in prompt));
}

function hasChat(prompts: readonly Prompt[]): boolean {
  return prompts.some((prompt) => 'chat' in prompt);
}

/**
 * Checks all prompts of a run before any is computed.
 *
 * @throws PromptError that names the first prompt the model cannot be given.
 */
export function checkPrompts(prompts: readonly (readonly number[])[], config: ModelConfig): void {
  for (const [index, ids] of prompts.entries()) {
    withName(`prompt ${index}`, () => checkPrompt(ids, config));
  }
}

/** @throws PromptError if the check throws: its message after the name. */
export function withName(name: string, check: () => void): void {
  try {
    check();
  } catch (cause) {
    throw new PromptError(`${name}: ${(cause as Error).message}`, { cause });
  }
}
