import { resolve } from 'node:path';
import { z } from 'zod';
import { ChatTemplateError, FileError, show } from '../errors.ts';
import { type ChatMessage, parseConversation, parseTools } from '../text/conversation.ts';
import { parseJson } from '../text/jinja/parse-json.ts';
import { readJsonFile, readTextFile } from '../text/json-file.ts';

const STANDARD_INPUT = '/dev/stdin';

/** A conversation to answer. */
export interface Chat {
  readonly messages: readonly ChatMessage[];
  readonly tools: readonly Readonly<Record<string, unknown>>[] | undefined;
  readonly enableThinking: boolean | undefined;
}

/** Strict, because an unknown key such as `temperature` would otherwise be ignored silently. */
const chatJson = z.strictObject({
  messages: z.unknown(),
  tools: z.unknown().optional(),
  enable_thinking: z.boolean().optional(),
});

/**
 * Reads prompts as token ids: `[[1, 2, 3], [4, 5]]`. Ids are not checked against a vocabulary.
 *
 * @throws FileError if the file cannot be read, is not JSON, is not an array of arrays of numbers, or has no
 * prompt.
 */
export async function readIdLists(path: string): Promise<number[][]> {
  const lists = await readArray(path, 'an array of arrays of token ids');
  if (lists.length === 0)
    throw new FileError(`${path}: holds no prompts; expected an array of arrays of token ids`);
  return lists.map((ids, i) => checkIds(ids, path, `prompt ${i}`));
}

/** @param where in the file. @throws FileError unless it is an array of numbers. */
export function checkIds(ids: unknown, path: string, where: string): number[] {
  if (!Array.isArray(ids)) throw misplaced(path, where, ids, 'an array of token ids');
  const wrong = ids.findIndex((id) => typeof id !== 'number');
  if (wrong !== -1) throw misplaced(path, `${where}, position ${wrong}`, ids[wrong], 'a token id');
  return ids;
}

/**
 * Reads texts: `["one", "two"]`.
 *
 * @throws FileError if the file cannot be read, is not JSON, or is not an array of strings.
 */
export async function readTexts(path: string): Promise<string[]> {
  const texts = await readArray(path, 'an array of strings');
  return texts.map((text, i) => {
    if (typeof text !== 'string') throw misplaced(path, `text ${i}`, text, 'a string');
    return text;
  });
}

/**
 * The text that an option gives: the option's value itself, or if that is `-`, all of standard input without
 * the newline at its end.
 *
 * @throws FileError if standard input is not UTF-8.
 */
export async function readText(value: string, standardInput = STANDARD_INPUT): Promise<string> {
  if (value !== '-') return value;
  const text = await readTextFile(standardInput, FileError);
  return text?.replace(/\r?\n$/, '') ?? '';
}

/**
 * Reads a conversation: an array of messages, or `{"messages": […], "tools": […], "enable_thinking": true}`.
 *
 * @throws FileError if the file cannot be read, is not JSON, or has an unknown key.
 * @throws ChatTemplateError if a message or a tool is malformed.
 */
export async function readChat(path: string): Promise<Chat> {
  return parseChat(await readJson(path, parseJson), path);
}

/** @param where the file and the place in it; begins errors. @throws as {@link readChat} does. */
export function parseChat(json: unknown, where: string): Chat {
  const result = chatJson.safeParse(Array.isArray(json) ? { messages: json } : json);
  if (!result.success) {
    const { path: key, message } = result.error.issues[0];
    const place = key.length > 0 ? `${key.join('.')}: ` : '';
    throw new FileError(
      `${where}: ${place}${message}; expected an array of messages, or an object of messages, tools and enable_thinking`,
    );
  }
  const { messages, tools, enable_thinking: enableThinking } = result.data;
  try {
    return {
      messages: parseConversation(messages),
      tools: tools === undefined ? undefined : parseTools(tools),
      enableThinking,
    };
  } catch (cause) {
    throw new ChatTemplateError(`${where}: ${(cause as Error).message}`, { cause });
  }
}

async function readArray(path: string, expected: string): Promise<unknown[]> {
  const json = await readJson(path);
  if (!Array.isArray(json)) throw misplaced(path, 'the whole', json, expected);
  return json;
}

async function readJson(path: string, parse?: (text: string) => unknown): Promise<unknown> {
  const json = await readJsonFile(path, FileError, parse);
  if (json === undefined) throw new FileError(`cannot find ${path} (looked for at ${resolve(path)})`);
  return json;
}

/** The error for a value of another kind than expected. */
export function misplaced(path: string, where: string, found: unknown, expected: string): FileError {
  return new FileError(`${path}: ${where}: found ${show(found)}; expected ${expected}`);
}
