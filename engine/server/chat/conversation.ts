import { OptionError } from '../../errors.ts';
import type { ChatMessage, FunctionCall } from '../../text/conversation.ts';
import { ApiError } from '../api-error.ts';

/** What the arguments of a call are expected to be. */
export const JSON_OF_OBJECT = 'the JSON of an object, as a string';

type JsonObject = Readonly<Record<string, unknown>>;

/** Roles of OpenAI's API, and those of the templates that they are rendered as. */
const ROLES: ReadonlyMap<unknown, ChatMessage['role']> = new Map([
  ['system', 'system'],
  ['developer', 'system'],
  ['user', 'user'],
  ['assistant', 'assistant'],
  ['tool', 'tool'],
]);

/**
 * The conversation that a chat template renders. Parts of a text are joined by line feeds, as in vLLM; of
 * other keys than role, content, name, tool_call_id, reasoning_content (also: reasoning) and tool_calls the
 * template sees nothing. The arguments of calls stay the texts that were sent.
 *
 * @param messages as they stand in a request.
 * @throws OptionError that names the part at fault: `messages[0].content[1]`; ApiError if that is not
 * supported.
 */
export function conversationOf(messages: unknown): ChatMessage[] {
  if (!Array.isArray(messages) || messages.length === 0)
    throw new OptionError('messages', messages, 'an array of at least one message');
  return messages.map((message: unknown, i) => toChatMessage(message, `messages[${i}]`));
}

function toChatMessage(message: unknown, where: string): ChatMessage {
  if (!isObject(message)) throw new OptionError(where, message, 'an object with role and content');
  const role = ROLES.get(message.role);
  if (!role) throw new OptionError(`${where}.role`, message.role, [...ROLES.keys()].join(', '));
  const isAssistant = role === 'assistant';
  for (const key of ['audio', 'function_call']) {
    if (message[key] != null)
      throw notSupported(`${where}.${key}`, key, 'write text in content and calls in tool_calls');
  }
  const strings = ['name', 'tool_call_id'].filter((key) => message[key] != null);
  return {
    role,
    // Templates add to it: null would be an error in some, "None" in others.
    content: isAssistant && message.content == null ? '' : textOf(message.content, `${where}.content`),
    ...Object.fromEntries(strings.map((key) => [key, wellFormed(message[key], `${where}.${key}`)])),
    ...(isAssistant && reasoningOf(message, where)),
    ...(isAssistant && message.tool_calls != null && toolCallsOf(message.tool_calls, `${where}.tool_calls`)),
  };
}

function textOf(content: unknown, where: string): string {
  if (!Array.isArray(content)) return wellFormed(content, where, 'a string, or an array of text parts');
  return content.map((part: unknown, i) => textOfPart(part, `${where}[${i}]`)).join('\n');
}

function textOfPart(part: unknown, where: string): string {
  if (!isObject(part)) throw new OptionError(where, part, '{"type": "text", "text": …}');
  if (part.type === 'text') return wellFormed(part.text, `${where}.text`);
  if (part.type === 'refusal') return wellFormed(part.refusal, `${where}.refusal`);
  if (typeof part.type !== 'string') throw new OptionError(`${where}.type`, part.type, '"text"');
  throw notSupported(where, `a part of type ${part.type.slice(0, 60)}`, 'write {"type": "text", "text": …}');
}

function reasoningOf(message: JsonObject, where: string): { reasoning_content?: string } {
  const key = message.reasoning_content == null ? 'reasoning' : 'reasoning_content';
  if (message[key] == null) return {};
  return { reasoning_content: wellFormed(message[key], `${where}.${key}`) };
}

function toolCallsOf(calls: unknown, where: string): Pick<ChatMessage, 'tool_calls'> {
  if (!Array.isArray(calls)) throw new OptionError(where, calls, 'an array of calls');
  if (calls.length === 0) return {};
  return { tool_calls: calls.map((call: unknown, i) => toolCallOf(call, `${where}[${i}]`)) };
}

function toolCallOf(call: unknown, where: string): { function: FunctionCall } {
  const called = isObject(call) ? call.function : undefined;
  if (!isObject(called))
    throw new OptionError(where, call, '{"type": "function", "function": {"name": …, "arguments": …}}');
  const name = wellFormed(called.name, `${where}.function.name`);
  const json = wellFormed(called.arguments ?? '', `${where}.function.arguments`, JSON_OF_OBJECT);
  return { function: { name, arguments: json === '' ? '{}' : json } };
}

function notSupported(param: string, what: string, remedy: string): ApiError {
  return new ApiError(400, `cannot serve ${param}: ${what} is not supported; ${remedy}`, { param });
}

function wellFormed(value: unknown, where: string, expected = 'a string'): string {
  if (typeof value !== 'string') throw new OptionError(where, value, expected);
  if (!value.isWellFormed()) throw new OptionError(where, value, 'a text without lone surrogates');
  return value;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
