import { resolve } from 'node:path';
import { FileError } from '../errors.ts';
import type { SamplingOptions } from '../serving/sampling-params.ts';
import { readTextFile } from '../text/json-file.ts';
import { checkIds, misplaced, parseChat } from './input-files.ts';
import type { Prompt, PromptInput } from './prompt-input.ts';

const PROMPT_KEYS = ['prompt', 'messages', 'ids'];
const CHAT_KEYS = ['messages', 'tools', 'enable_thinking'];

/** Every sampling option; the compiler sees to it that none is missing. */
const SAMPLING_KEYS: Record<keyof SamplingOptions, true> = {
  temperature: true,
  topK: true,
  topP: true,
  minP: true,
  repetitionPenalty: true,
  presencePenalty: true,
  frequencyPenalty: true,
  logitBias: true,
  seed: true,
  minNewTokens: true,
  stopTokenIds: true,
  stop: true,
  ignoreEos: true,
  n: true,
  logprobs: true,
  promptLogprobs: true,
};

const KNOWN_KEYS = new Set([...PROMPT_KEYS, ...CHAT_KEYS, ...['maxTokens'], ...Object.keys(SAMPLING_KEYS)]);

type Json = Record<string, unknown>;

/**
 * Reads requests, a JSON object in each line: a prompt (`prompt`, `messages` with `tools` and `enable_thinking`, or
 * `ids`), `maxTokens`, and sampling options, whose values are checked where they are completed. Blank lines are
 * skipped.
 *
 * @throws FileError with the number of the line if one is not such an object, or has a key that is not known.
 * @throws ChatTemplateError if a message or a tool is malformed.
 */
export async function readRequestFile(path: string): Promise<PromptInput[]> {
  const text = await readTextFile(path, FileError);
  if (text === undefined) throw new FileError(`${path}: does not exist (looked for at ${resolve(path)})`);
  const inputs = text
    .split('\n')
    .flatMap((line, i) => (line.trim() === '' ? [] : [parseLine(line, `${path}: line ${i + 1}`)]));
  if (inputs.length === 0) {
    throw new FileError(`${path}: holds no requests; expected a JSON object in each line`);
  }
  return inputs;
}

function parseLine(line: string, where: string): PromptInput {
  const json = parseObject(line, where);
  const unknown = Object.keys(json).find((key) => !KNOWN_KEYS.has(key));
  if (unknown !== undefined) {
    throw new FileError(
      `${where}: unknown key ${JSON.stringify(unknown)}; known are ${[...KNOWN_KEYS].join(', ')}`,
    );
  }
  const { maxTokens } = json;
  if (maxTokens !== undefined && !(Number.isInteger(maxTokens) && (maxTokens as number) >= 0)) {
    throw misplaced(where, 'maxTokens', maxTokens, 'a whole number, 0 or more');
  }
  const sampling = Object.fromEntries(Object.entries(json).filter(([key]) => key in SAMPLING_KEYS));
  const prompt = parsePrompt(json, where);
  return { name: where, prompt, maxTokens: maxTokens as number | undefined, sampling };
}

function parseObject(line: string, where: string): Json {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch (cause) {
    throw new FileError(`${where}: is not valid JSON: ${(cause as Error).message}`, { cause });
  }
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as Json;
  throw misplaced(where, 'the whole', json, 'an object');
}

function parsePrompt(json: Json, where: string): Prompt {
  const given = PROMPT_KEYS.filter((key) => key in json);
  if (given.length !== 1) {
    throw new FileError(
      `${where}: has ${given.join(' and ') || 'no prompt'}; expected one of prompt, messages and ids`,
    );
  }
  const stray = CHAT_KEYS.find((key) => key in json && !('messages' in json));
  if (stray !== undefined) throw new FileError(`${where}: ${stray} goes with messages, not with ${given[0]}`);
  const { prompt, ids } = json;
  if ('messages' in json) {
    const { messages, tools, enable_thinking } = json;
    return { chat: parseChat({ messages, tools, enable_thinking }, where) };
  }
  if ('ids' in json) return { ids: checkIds(ids, where, 'ids') };
  if (typeof prompt !== 'string') throw misplaced(where, 'prompt', prompt, 'a string');
  return { text: prompt };
}
