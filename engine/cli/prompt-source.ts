import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../errors.ts';
import { readChat, readIdLists } from './input-files.ts';
import type { Io, LoadedTokenizer } from './io.ts';
import { COMPUTED_FILES, type ModelFiles, TEXT_FILES } from './model-option.ts';
import type { Prompt, PromptInput } from './prompt-input.ts';
import { readRequestFile } from './request-file.ts';

/** The options that say what is to be continued; exactly one of prompt, chat, ids and requests is given. */
export interface PromptOptions {
  prompt?: string;
  /** A JSON file: an array of messages, or an object of messages, tools and enable_thinking. */
  chat?: string;
  /** A JSON file: an array of arrays of token ids. */
  ids?: string;
  /** A file of requests, a JSON object in each line. */
  requests?: string;
  /** Goes before `enable_thinking` of the chat file. */
  thinking?: boolean;
}

/** Prompts as a model is given them, and what turns its tokens into text, if anything does. */
export interface EncodedPrompts {
  ids: readonly (readonly number[])[];
  tokenizer: LoadedTokenizer | undefined;
}

/**
 * @throws UsageError if there is nothing to continue.
 * @throws FileError, ChatTemplateError if a file cannot be read or is malformed.
 */
export async function readPromptInputs(options: PromptOptions): Promise<PromptInput[]> {
  if (options.requests !== undefined) return await readRequestFile(options.requests);
  const prompts = await readPrompts(options);
  return prompts.map((prompt, i) => ({ name: `prompt ${i}`, prompt, maxTokens: undefined, sampling: {} }));
}

async function readPrompts({ prompt, chat, ids, thinking }: PromptOptions): Promise<Prompt[]> {
  if (prompt !== undefined) return [{ text: prompt }];
  if (chat !== undefined) {
    const read = await readChat(chat);
    return [{ chat: { ...read, enableThinking: thinking ?? read.enableThinking } }];
  }
  if (ids !== undefined) return (await readIdLists(ids)).map((list) => ({ ids: list }));
  throw new UsageError('nothing to continue: give --prompt, --chat, --ids or --requests');
}

/** The files of the model that computing and the prompts need. */
export function filesNeeded(prompts: readonly Prompt[]): ModelFiles {
  const { files, optional } = COMPUTED_FILES;
  // Ids do without a tokenizer, but their continuations are shown as text if there is one.
  const isText = prompts.some((prompt) => !('ids' in prompt));
  const template = prompts.some((prompt) => 'chat' in prompt) ? ['chat_template.jinja'] : [];
  return isText
    ? { ...COMPUTED_FILES, files: [...files, ...TEXT_FILES.files], optional: [...optional, ...template] }
    : { ...COMPUTED_FILES, optional: [...optional, ...TEXT_FILES.files] };
}

/** @throws TokenizerError, ChatTemplateError if the model's text files do not serve. */
export async function encodePrompts(
  prompts: readonly Prompt[],
  modelDir: string,
  io: Io,
): Promise<EncodedPrompts> {
  const hasText = TEXT_FILES.files.every((file) => existsSync(join(modelDir, file)));
  const template = prompts.some((prompt) => 'chat' in prompt)
    ? await io.loadChatTemplate(modelDir)
    : undefined;
  const isText = prompts.some((prompt) => !('ids' in prompt));
  const tokenizer = isText || hasText ? await io.loadTokenizer(modelDir) : undefined;
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
