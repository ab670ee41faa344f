import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../errors.ts';
import { type Chat, readChat, readIdLists } from './input-files.ts';
import type { Io, LoadedTokenizer } from './io.ts';
import { COMPUTED_FILES, type ModelFiles, TEXT_FILES } from './model-option.ts';

/** The options that say what is to be continued; exactly one of prompt, chat and ids is given. */
export interface PromptOptions {
  prompt?: string;
  /** A JSON file: an array of messages, or an object of messages, tools and enable_thinking. */
  chat?: string;
  /** A JSON file: an array of arrays of token ids. */
  ids?: string;
  /** Goes before `enable_thinking` of the chat file. */
  thinking?: boolean;
}

/** What a model is given, and what turns its tokens into text, if anything does. */
export interface Prompts {
  ids: readonly (readonly number[])[];
  tokenizer: LoadedTokenizer | undefined;
}

/** Prompts that have been read but await their model. */
export interface PromptSource {
  /** The files of the model they need, and those that computing needs. */
  readonly needed: ModelFiles;
  /** @throws TokenizerError, ChatTemplateError if the model's text files do not serve. */
  load(modelDir: string): Promise<Prompts>;
}

/**
 * @throws UsageError if there is nothing to continue.
 * @throws FileError, ChatTemplateError if a file cannot be read or is malformed.
 */
export async function readPromptSource(options: PromptOptions, io: Io): Promise<PromptSource> {
  if (options.prompt !== undefined) return textSource(options.prompt, io);
  if (options.chat !== undefined) return chatSource(await readChat(options.chat), options.thinking, io);
  if (options.ids !== undefined) return idSource(await readIdLists(options.ids), io);
  throw new UsageError('nothing to continue: give --prompt, --chat or --ids');
}

function textSource(text: string, io: Io): PromptSource {
  return {
    needed: { ...COMPUTED_FILES, files: [...COMPUTED_FILES.files, ...TEXT_FILES.files] },
    async load(modelDir) {
      const tokenizer = await io.loadTokenizer(modelDir);
      return { ids: [tokenizer.encode(text)], tokenizer };
    },
  };
}

function chatSource(
  { messages, tools, enableThinking }: Chat,
  thinking: boolean | undefined,
  io: Io,
): PromptSource {
  return {
    needed: {
      ...COMPUTED_FILES,
      files: [...COMPUTED_FILES.files, ...TEXT_FILES.files],
      optional: [...COMPUTED_FILES.optional, 'chat_template.jinja'],
    },
    async load(modelDir) {
      const template = await io.loadChatTemplate(modelDir);
      const tokenizer = await io.loadTokenizer(modelDir);
      const text = template.render(messages, {
        addGenerationPrompt: true,
        enableThinking: thinking ?? enableThinking,
        tools,
      });
      // The template has written all special tokens itself.
      return { ids: [tokenizer.encode(text, { addSpecialTokens: false })], tokenizer };
    },
  };
}

function idSource(ids: number[][], io: Io): PromptSource {
  return {
    needed: { ...COMPUTED_FILES, optional: [...COMPUTED_FILES.optional, ...TEXT_FILES.files] },
    async load(modelDir) {
      const hasText = TEXT_FILES.files.every((file) => existsSync(join(modelDir, file)));
      return { ids, tokenizer: hasText ? await io.loadTokenizer(modelDir) : undefined };
    },
  };
}
