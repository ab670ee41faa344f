import { z } from 'zod';
import { ApiError } from './api-error.ts';

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

/**
 * An array whose first wrong element is refused. That of zod refuses each, which takes the server's thread
 * 100 ms for 131,072.
 *
 * @param wrongIn what is wrong in an element, and where; undefined if nothing is.
 * @param message for what is no array.
 */
export function arrayOf<T>(
  wrongIn: (
    element: unknown,
  ) => { readonly path: readonly PropertyKey[]; readonly message: string } | undefined,
  message: string,
) {
  return z.array(z.unknown(), message).transform((elements, context) => {
    for (let i = 0; i < elements.length; i++) {
      const wrong = wrongIn(elements[i]);
      if (!wrong) continue;
      context.addIssue({ code: 'custom', path: [i, ...wrong.path], message: wrong.message });
      return z.NEVER;
    }
    return elements as T[];
  });
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

/** The key of {@link withToolsJson}: one that no client can send. */
const TOOLS_JSON = Symbol('toolsJson');

/**
 * A parsed body with the JSON of its `tools`: a chat template writes what JSON.parse has lost of them, whole
 * numbers beyond 2^53, the point of 1.0, the order of keys such as "10".
 */
export function withToolsJson(body: unknown, json: string): unknown {
  return { ...(body as object), [TOOLS_JSON]: json };
}

/** @returns undefined for a body without it. */
export function toolsJsonOf(body: unknown): string | undefined {
  return (body as { [TOOLS_JSON]?: string } | null | undefined)?.[TOOLS_JSON];
}

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
