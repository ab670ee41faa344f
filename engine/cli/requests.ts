import { resolve } from 'node:path';
import { duplicateKey } from '../checkpoint/json-keys.ts';
import type { ModelConfig } from '../config.ts';
import { FileError, PromptError, show, UsageError } from '../errors.ts';
import { checkPrompt } from '../serving/prompt.ts';
import type { GenerateRequest } from '../serving/requests.ts';
import {
  completeSamplingParams,
  SAMPLING_OPTIONS,
  type SamplingOptions,
} from '../serving/sampling-params.ts';
import { parseJson, plainJson } from '../text/jinja/parse-json.ts';
import { readTextFile } from '../text/json-file.ts';
import { type GivenSchedule, numBlocksOf } from './engine-flags.ts';
import { checkIds, misplaced, parseChat } from './input-files.ts';
import { type Prompt, type PromptOptions, readPrompts, withName } from './prompts.ts';
import { type SamplingFlags, samplingOptions } from './sampling-flags.ts';

/** The options that give prompts, and what applies to every request that does not say otherwise. */
export interface RequestOptions extends PromptOptions, SamplingFlags {
  /** A file of requests, a JSON object in each line; not together with prompt, chat or ids. */
  requests?: string;
  maxTokens?: number;
  json?: boolean;
}

/** A request as it was given, before options are completed and the prompt is encoded. */
export interface GivenRequest {
  /** Begins errors of this request: `prompt 0`, or its file and line. */
  name: string;
  prompt: Prompt;
  /** From its line of a file of requests; takes precedence over the flag. */
  maxTokens: number | undefined;
  /** From its line of a file of requests; takes precedence over the flags. */
  sampling: SamplingOptions;
}

/** A request for the engine, with the name that begins its errors. */
export interface NamedRequest extends GenerateRequest {
  name: string;
}

const PROMPT_KEYS = ['prompt', 'messages', 'ids'];
const CHAT_KEYS = ['messages', 'tools', 'enable_thinking'];

const KNOWN_KEYS = new Set([
  ...PROMPT_KEYS,
  ...CHAT_KEYS,
  ...['maxTokens'],
  ...Object.keys(SAMPLING_OPTIONS),
]);

type Json = Record<string, unknown>;

/** Token ids outside the vocabulary are found later, when the model's configuration is read. */
const ANY_VOCABULARY = { vocabSize: Number.MAX_SAFE_INTEGER, eosTokenIds: [] };

/**
 * Reads the requests that the options give, from the command line or from a file.
 *
 * @throws UsageError if no option gives a prompt.
 * @throws FileError, ChatTemplateError if a file cannot be read or is malformed.
 */
export async function readRequests(options: RequestOptions): Promise<GivenRequest[]> {
  if (options.requests !== undefined) return await readRequestFile(options.requests);
  const prompts = await readPrompts(options);
  return prompts.map((prompt, i) => ({ name: `prompt ${i}`, prompt, maxTokens: undefined, sampling: {} }));
}

/**
 * Completes a request with the flags, over which its own line takes precedence. Needs no model yet.
 *
 * @throws UsageError if a flag is missing or its value makes no sense.
 * @throws PromptError if an option of the line makes no sense; it names the line.
 */
export function completeRequest(
  { name, maxTokens: ofLine, sampling }: GivenRequest,
  flags: RequestOptions,
): Omit<NamedRequest, 'ids'> {
  const maxNewTokens = ofLine ?? flags.maxTokens;
  const request = { ...samplingOptions(flags), ...sampling };
  const isLine = flags.requests !== undefined;
  if (maxNewTokens === undefined) {
    throw new UsageError(`${isLine ? `${name}: has no maxTokens: add it, or ` : ''}give --max-tokens`);
  }
  if (!flags.json && (request.logprobs !== undefined || request.promptLogprobs !== undefined)) {
    throw new UsageError('log-probabilities are printed with --json only: give it too');
  }
  if (!isLine && (flags.samples ?? 1) > 1 && !flags.temperature) {
    throw new UsageError('--samples without --temperature would give the same continuation each time');
  }
  try {
    completeSamplingParams(request, ANY_VOCABULARY);
  } catch (cause) {
    const { message } = cause as Error;
    throw isLine ? new PromptError(`${name}: ${message}`, { cause }) : new UsageError(message, { cause });
  }
  return { ...request, name, maxNewTokens };
}

/**
 * Checks everything about requests that does not need the weights.
 *
 * @param hasText whether there is a tokenizer.
 * @throws PromptError that names the first request that cannot be served.
 */
export function checkRequests(
  requests: readonly NamedRequest[],
  config: ModelConfig,
  { cacheTokens, blockSize }: GivenSchedule,
  hasText: boolean,
): void {
  const numBlocks = numBlocksOf(cacheTokens, blockSize);
  for (const request of requests) {
    withName(request.name, () => {
      const { ids, maxNewTokens } = request;
      checkPrompt(ids, config, maxNewTokens);
      const { stop } = completeSamplingParams(request, config);
      if (stop.length > 0 && !hasText) {
        throw new PromptError('stop strings need text, and the model has no tokenizer files');
      }
      const wanted = numBlocksOf(ids.length + maxNewTokens, blockSize);
      if (wanted > numBlocks) {
        throw new PromptError(
          `prompt and continuation take ${wanted} blocks of ${blockSize} positions; the cache has ${numBlocks}: ` +
            'raise --cache-blocks',
        );
      }
    });
  }
}

/**
 * Reads requests, a JSON object in each line: a prompt (`prompt`, `messages` with `tools` and
 * `enable_thinking`, or `ids`), `maxTokens`, and sampling options, whose values are checked where they are
 * completed. Blank lines are skipped.
 *
 * @throws FileError with the number of the line if one is not such an object, or has a key that is not
 * known.
 * @throws ChatTemplateError if a message or a tool is malformed.
 */
async function readRequestFile(path: string): Promise<GivenRequest[]> {
  const text = await readTextFile(path, FileError);
  if (text === undefined) throw new FileError(`cannot find ${path} (looked for at ${resolve(path)})`);
  const inputs = text
    .split('\n')
    .flatMap((line, i) => (line.trim() === '' ? [] : [parseLine(line, `${path}: line ${i + 1}`)]));
  if (inputs.length === 0) {
    throw new FileError(`${path}: holds no requests; expected a JSON object in each line`);
  }
  return inputs;
}

function parseLine(line: string, where: string): GivenRequest {
  const { exact, json } = parseOnce(line, where);
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw misplaced(where, 'the whole', json, 'an object');
  }
  const unknown = Object.keys(json).find((key) => !KNOWN_KEYS.has(key));
  if (unknown !== undefined) {
    throw new FileError(`${where}: unknown key ${show(unknown)}; known are ${[...KNOWN_KEYS].join(', ')}`);
  }
  const { maxTokens } = json as Json;
  if (maxTokens !== undefined && !(Number.isInteger(maxTokens) && (maxTokens as number) >= 0)) {
    throw misplaced(where, 'maxTokens', maxTokens, 'a whole number, 0 or more');
  }
  const sampling = Object.fromEntries(Object.entries(json).filter(([key]) => key in SAMPLING_OPTIONS));
  const prompt = parsePrompt(json as Json, exact as Json, where);
  return { name: where, prompt, maxTokens: maxTokens as number | undefined, sampling };
}

/** @returns the line's value, once with its numbers as they are written, once with plain ones. */
function parseOnce(line: string, where: string): { exact: unknown; json: unknown } {
  let exact: unknown;
  let json: unknown;
  try {
    exact = parseJson(line);
    json = plainJson(exact);
  } catch (cause) {
    throw new FileError(`cannot read ${where} as JSON: ${(cause as Error).message}`, { cause });
  }
  const twice = duplicateKey(line);
  if (twice !== undefined) {
    throw new FileError(`${where}: has the key ${show(twice)} twice; expected each key once`);
  }
  return { exact, json };
}

function parsePrompt(json: Json, exact: Json, where: string): Prompt {
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
    const { enable_thinking } = json;
    // What the template renders keeps its numbers as they are written.
    const { messages, tools } = exact;
    return { chat: parseChat({ messages, tools, enable_thinking }, where) };
  }
  if ('ids' in json) return { ids: checkIds(ids, where, 'ids') };
  if (typeof prompt !== 'string') throw misplaced(where, 'prompt', prompt, 'a string');
  return { text: prompt };
}
