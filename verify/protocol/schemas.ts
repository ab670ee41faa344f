import { z } from 'zod';
import error from './v1/error.schema.json' with { type: 'json' };
import forward from './v1/forward.schema.json' with { type: 'json' };
import forwarded from './v1/forwarded.schema.json' with { type: 'json' };
import generate from './v1/generate.schema.json' with { type: 'json' };
import generated from './v1/generated.schema.json' with { type: 'json' };
import load from './v1/load.schema.json' with { type: 'json' };
import loaded from './v1/loaded.schema.json' with { type: 'json' };
import skipped from './v1/skipped.schema.json' with { type: 'json' };
import start from './v1/start.schema.json' with { type: 'json' };
import started from './v1/started.schema.json' with { type: 'json' };
import stop from './v1/stop.schema.json' with { type: 'json' };
import tokenize from './v1/tokenize.schema.json' with { type: 'json' };
import tokenizeChat from './v1/tokenize-chat.schema.json' with { type: 'json' };
import tokenized from './v1/tokenized.schema.json' with { type: 'json' };

/**
 * The schemas of all messages, by type. They are the source that engines in other languages are written from,
 * and zod, which the project has anyway, reads them as they are: it throws on any keyword that it would not
 * hold a message to.
 */
export const REQUEST_SCHEMAS = { start, load, forward, generate, tokenize, tokenizeChat, stop };
export const ANSWER_SCHEMAS = { started, loaded, forwarded, generated, tokenized, skipped, error };
export const SCHEMAS = { ...REQUEST_SCHEMAS, ...ANSWER_SCHEMAS };
export type MessageType = keyof typeof SCHEMAS;

const validators = new Map<string, z.ZodType>();

/**
 * What is wrong with a message.
 *
 * @returns one line for each problem, with the path of the value; none if the message is right.
 */
export function problemsOf(type: MessageType, message: unknown): string[] {
  let validator = validators.get(type);
  if (!validator) {
    validator = z.fromJSONSchema(SCHEMAS[type] as Parameters<typeof z.fromJSONSchema>[0]);
    validators.set(type, validator);
  }
  const result = validator.safeParse(message);
  return result.success ? [] : result.error.issues.flatMap((issue) => describe(issue, []));
}

/** Describes an issue; among alternatives, that of the one that fits best. */
function describe(issue: z.core.$ZodIssue, above: readonly PropertyKey[]): string[] {
  const path = [...above, ...issue.path];
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const [best] = [...issue.errors].sort((a, b) => a.length - b.length);
    return best.flatMap((inner) => describe(inner, path));
  }
  return [path.length > 0 ? `${path.join('.')}: ${issue.message}` : issue.message];
}
