import type { z } from 'zod';
import { parseJson } from '../text/jinja/parse-json.ts';
import { ApiError } from './api-error.ts';
import { membersOf } from './chat/json-text.ts';

/**
 * Checks the body of a request.
 *
 * @param schema its messages follow on the name of the field: `expected true or false`.
 * @throws ApiError 400 that names the first field at fault as OpenAI does: `messages[0].content`.
 */
export function parseBody<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const [{ path, message }] = result.error.issues;
  const param = paramOf(path);
  throw new ApiError(400, `cannot read ${param || 'the body'}: ${message}`, param === '' ? {} : { param });
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The text of a body. @throws ApiError 400 if it is no UTF-8. */
export function textOf(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new ApiError(400, 'cannot read the body: it is not UTF-8', { cause });
  }
}

/**
 * A parsed body whose `tools` keep what a chat template writes: whole numbers beyond 2^53, the point of 1.0,
 * the order of keys such as "10".
 *
 * @param text the JSON of the body.
 * @throws ApiError 400 if `tools` would take long to read.
 */
export function withExactTools(body: unknown, text: string): unknown {
  const tools = typeof body === 'object' && body !== null && 'tools' in body ? body.tools : undefined;
  if (!Array.isArray(tools) || tools.length === 0) return body;
  // JSON.parse takes the last value of a key that stands twice.
  const [, json] = membersOf(text).findLast(([key]) => key === 'tools')!;
  if (json.length > MAX_TOOLS_LENGTH) {
    const found = `the JSON of tools has ${json.length} characters`;
    throw new ApiError(400, `${found}; expected at most ${MAX_TOOLS_LENGTH}`, { param: 'tools' });
  }
  return MAY_LOSE.test(json) ? { ...(body as object), tools: parseJson(json) } : body;
}

/** Characters of `tools`: reading them without loss takes 20 ms, and all other requests wait meanwhile. */
const MAX_TOOLS_LENGTH = 2 ** 16;

/** Numbers that are long, or have a point, an exponent or a minus; and keys of digits. */
const MAY_LOSE = /\d{16}|\d[.eE]|-0|"[\d\\u]+"\s*:/;

/** The path of a field as OpenAI writes it. */
export function paramOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>((param, key) => {
    if (typeof key === 'number') return `${param}[${key}]`;
    return param === '' ? String(key) : `${param}.${String(key)}`;
  }, '');
}

/** Whether a value asks for nothing that is not supported. */
type IsHarmless = (value: unknown) => boolean;

const isEmpty: IsHarmless = (value) => Array.isArray(value) && value.length === 0;
const is =
  (harmless: unknown): IsHarmless =>
  (value) =>
    value === harmless;
const never: IsHarmless = () => false;

/**
 * Fields of OpenAI's and vLLM's APIs that change the answer and that this server does not support, with what
 * they may be all the same. Null and absence are harmless.
 */
const UNSUPPORTED: Readonly<Record<string, IsHarmless>> = {
  allowed_token_ids: never,
  bad_words: isEmpty,
  guided_choice: never,
  guided_grammar: never,
  guided_json: never,
  guided_regex: never,
  include_stop_str_in_output: is(false),
  kv_transfer_params: never,
  logits_processors: isEmpty,
  logprob_token_ids: never,
  priority: is(0),
  prompt_embeds: never,
  repetition_detection: never,
  response_format: (value) =>
    typeof value === 'object' && value !== null && 'type' in value && value.type === 'text',
  structured_outputs: never,
  thinking_token_budget: is(-1),
  truncate_prompt_tokens: never,
  use_beam_search: is(false),
  watermarking: is(false),
};

/**
 * Refuses fields that are known and not supported; fields that are not known are ignored, as vLLM does.
 *
 * @param others of one route: names, and whether a value is harmless.
 * @throws ApiError 400 that names the field.
 */
export function refuseUnsupported(
  body: Readonly<Record<string, unknown>>,
  others: Readonly<Record<string, IsHarmless>> = {},
): void {
  for (const [param, isHarmless] of Object.entries({ ...UNSUPPORTED, ...others })) {
    const value = Object.hasOwn(body, param) ? body[param] : undefined;
    if (value == null || isHarmless(value)) continue;
    throw new ApiError(400, `cannot serve ${param}: this server does not support it; leave it out`, {
      param,
    });
  }
}
