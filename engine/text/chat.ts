import { basename, join } from 'node:path';
import { z } from 'zod';
import { ChatTemplateError } from '../errors.ts';
import { type ChatMessage, parseConversation, parseTools } from './conversation.ts';
import { BudgetExceeded, TemplateFailure } from './jinja/failure.ts';
import { Template } from './jinja/template.ts';
import { readJsonFile, readTextFile } from './json-file.ts';
import { additionalTemplatesOf } from './tokenizer-files.ts';

/** A special token as older and newer versions of transformers write it. */
const specialToken = z.union([z.string(), z.object({ content: z.string() })]).nullish();

/** The keys of `tokenizer_config.json` that are chat templates, or that templates may use. */
const tokenizerConfigJson = z.object({
  chat_template: z
    .union([z.string(), z.array(z.object({ name: z.string(), template: z.string() }))])
    .nullish(),
  bos_token: specialToken,
  eos_token: specialToken,
  unk_token: specialToken,
  sep_token: specialToken,
  pad_token: specialToken,
  cls_token: specialToken,
  mask_token: specialToken,
});

/** What {@link ChatTemplate.render} takes beside the conversation. */
export interface RenderOptions {
  /** Whether the prompt ends with the beginning of an assistant's message. Default false. */
  addGenerationPrompt?: boolean;
  /**
   * Whether the prompt ends within the last message, so that the model continues its text; not together with
   * `addGenerationPrompt`. Default false.
   */
  continueFinalMessage?: boolean;
  /** Whether the model thinks before it answers. Default: the template's own (Qwen3 thinks). */
  enableThinking?: boolean;
  /** Functions the model may call, as JSON schemas. Default none. */
  tools?: readonly Readonly<Record<string, unknown>>[];
}

/**
 * The model's Jinja template, which renders a conversation as a prompt. The result is that of HuggingFace's
 * `apply_chat_template` in Python. Whole numbers are ints and others floats; where the text of a JSON file
 * matters beyond that (`1.0`, whole numbers beyond 2^53, keys such as `"10"`), `parseJson` keeps it.
 */
export class ChatTemplate {
  readonly #templates: ReadonlyMap<string, Template>;
  readonly #specialTokens: Readonly<Record<string, string>>;
  readonly #path: string;

  private constructor(
    sources: ReadonlyMap<string, string>,
    specialTokens: Readonly<Record<string, string>>,
    path: string,
  ) {
    this.#templates = new Map([...sources].map(([name, source]) => [name, compile(source, path)]));
    this.#specialTokens = specialTokens;
    this.#path = path;
  }

  /**
   * Reads the template of a model directory where transformers' tokenizers look for it: in
   * `chat_template.jinja` and `additional_chat_templates/`, otherwise in `tokenizer_config.json`.
   *
   * @throws ChatTemplateError if there is no template, it has a syntax error, or a file is malformed.
   */
  static async load(modelDir: string): Promise<ChatTemplate> {
    const { sources, specialTokens, path } = await readChatTemplates(modelDir);
    if (!sources) {
      const unread = await readTextFile(join(modelDir, 'chat_template.json'), ChatTemplateError);
      throw new ChatTemplateError(
        `${modelDir}: has no chat template, neither chat_template.jinja nor chat_template in tokenizer_config.json` +
          (unread === undefined ? '' : ' (its chat_template.json is for processors, not for tokenizers)') +
          '; give the model a prompt as text instead',
      );
    }
    return new ChatTemplate(sources, specialTokens, path);
  }

  /**
   * Writes a conversation as a prompt. Special tokens inside a message are not escaped: as in HuggingFace,
   * the tokenizer will take them for what they spell.
   *
   * @throws ChatTemplateError if the conversation or the tools are malformed, or the template refuses them;
   * the message then ends with the template's own.
   */
  render(messages: readonly ChatMessage[], options: RenderOptions = {}): string {
    const { addGenerationPrompt = false, continueFinalMessage = false, enableThinking, tools } = options;
    const variables = {
      ...this.#specialTokens,
      messages: parseConversation(messages),
      tools: tools === undefined ? null : parseTools(tools),
      documents: null,
      add_generation_prompt: addGenerationPrompt,
      // Templates ask whether it is defined.
      ...(enableThinking === undefined ? {} : { enable_thinking: enableThinking }),
    };
    const template = this.#choose(tools !== undefined);
    let prompt: string;
    try {
      prompt = template.render(variables);
    } catch (cause) {
      if (!(cause instanceof TemplateFailure)) throw cause;
      const what = cause instanceof BudgetExceeded ? 'was stopped' : 'refuses the conversation';
      throw new ChatTemplateError(`${this.#path}: the chat template ${what}: ${cause.message}`, { cause });
    }
    return continueFinalMessage ? this.#cutAfterFinalMessage(prompt, messages) : prompt;
  }

  /**
   * As HuggingFace's `continue_final_message`: white space at the end of the message stays if the template
   * has kept it.
   */
  #cutAfterFinalMessage(prompt: string, messages: readonly ChatMessage[]): string {
    const content = messages.at(-1)?.content ?? '';
    const text = content.trimStart();
    const begin = prompt.lastIndexOf(text.trimEnd());
    if (text === '' || begin < 0) {
      throw new ChatTemplateError(
        `${this.#path}: the prompt does not contain the text of the last message, so that it cannot end there; ` +
          'ask for a new message instead',
      );
    }
    const length = prompt.startsWith(text, begin) ? text.length : text.trimEnd().length;
    return prompt.slice(0, begin + length);
  }

  /** As in HuggingFace: of several templates, `tool_use` serves conversations with tools. */
  #choose(hasTools: boolean): Template {
    const template =
      (hasTools ? this.#templates.get('tool_use') : undefined) ?? this.#templates.get('default');
    if (template !== undefined) return template;
    const names = [...this.#templates.keys()].join(', ') || 'none';
    throw new ChatTemplateError(`${this.#path}: no chat template is named "default"; found: ${names}`);
  }
}

/** What a model directory says of conversations. */
export interface ChatTemplateSources {
  /** Jinja sources by name; the usual one is `default`. Absent if there is no template. */
  readonly sources?: ReadonlyMap<string, string>;
  /** Special tokens by their keys in `tokenizer_config.json`, such as `eos_token`. */
  readonly specialTokens: Readonly<Record<string, string>>;
  /** The file of the template. */
  readonly path: string;
}

/**
 * Reads `chat_template.jinja`, `additional_chat_templates/NAME.jinja` and `tokenizer_config.json`, each of
 * which may be missing. As in transformers, a template in one of the `.jinja` files
 * makes those of `tokenizer_config.json` count for nothing.
 *
 * @throws ChatTemplateError if a file is malformed.
 */
export async function readChatTemplates(modelDir: string): Promise<ChatTemplateSources> {
  const configPath = join(modelDir, 'tokenizer_config.json');
  const templatePath = join(modelDir, 'chat_template.jinja');
  const configJson = await readJsonFile(configPath, ChatTemplateError);
  const file = await readTextFile(templatePath, ChatTemplateError);
  const result = tokenizerConfigJson.safeParse(configJson ?? {});
  if (!result.success) {
    const { path, message } = result.error.issues[0];
    throw new ChatTemplateError(`${configPath}: ${path.join('.') || 'the whole'}: ${message}`);
  }
  const { chat_template, ...tokens } = result.data;
  const specialTokens: Record<string, string> = {};
  for (const [name, token] of Object.entries(tokens)) {
    const text = typeof token === 'string' ? token : token?.content;
    // An empty one is undefined in a template, as in transformers.
    if (text) specialTokens[name] = text;
  }
  const files = await readAdditionalTemplates(modelDir);
  if (file !== undefined) files.set('default', file);
  if (files.size > 0) return { sources: files, specialTokens, path: templatePath };
  if (chat_template == null) return { specialTokens, path: configPath };
  const sources =
    typeof chat_template === 'string'
      ? [['default', chat_template] as const]
      : chat_template.map(({ name, template }) => [name, template] as const);
  return { sources: new Map(sources), specialTokens, path: configPath };
}

/** Additional templates by the names of their files. */
async function readAdditionalTemplates(modelDir: string): Promise<Map<string, string>> {
  const templates = new Map<string, string>();
  for (const file of additionalTemplatesOf(modelDir)) {
    const source = await readTextFile(join(modelDir, file), ChatTemplateError);
    if (source !== undefined) templates.set(basename(file, '.jinja'), source);
  }
  return templates;
}

function compile(source: string, path: string): Template {
  try {
    return new Template(source);
  } catch (cause) {
    if (!(cause instanceof TemplateFailure)) throw cause;
    throw new ChatTemplateError(`${path}: the chat template has a syntax error: ${cause.message}`, { cause });
  }
}
