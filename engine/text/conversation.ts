import { ChatTemplateError, show } from '../errors.ts';

/** The roles of messages. The templates of Qwen3 silently omit messages of any other role. */
const ROLES = ['system', 'user', 'assistant', 'tool'] as const;

/** A function that the assistant called. */
export interface FunctionCall {
  readonly name: string;
  /** The arguments, or their JSON, which is rendered unchanged. */
  readonly arguments: Readonly<Record<string, unknown>> | string;
}

/** A message of a conversation, spelt as in HuggingFace's chat templates and in OpenAI's API. */
export interface ChatMessage {
  readonly role: (typeof ROLES)[number];
  /** The text; `null` or absent only for an assistant that calls tools, if the template allows it. */
  readonly content?: string | null;
  /** The assistant's thoughts; without it, templates look for `<think>…</think>` in the content. */
  readonly reasoning_content?: string | null;
  readonly tool_calls?: readonly ({ readonly function: FunctionCall } | FunctionCall)[] | null;
  /** Templates may read further keys, such as `name` or `tool_call_id`. */
  readonly [key: string]: unknown;
}

/**
 * Checks a parsed conversation.
 *
 * @returns the same value.
 * @throws ChatTemplateError if it is no array, is empty, or a message has an unknown role, no content or
 * malformed tool calls; it names the message and the key.
 */
export function parseConversation(json: unknown): ChatMessage[] {
  if (!Array.isArray(json)) expected('the conversation', json, 'an array of messages');
  if (json.length === 0) expected('the conversation', json, 'at least one message');
  for (const [i, message] of json.entries()) checkMessage(message, `messages[${i}]`);
  return json;
}

/**
 * Checks parsed tool definitions.
 *
 * @returns the same value.
 * @throws ChatTemplateError if it is no array of objects.
 */
export function parseTools(json: unknown): Record<string, unknown>[] {
  if (!Array.isArray(json)) expected('tools', json, 'an array of objects');
  for (const [i, tool] of json.entries()) {
    if (!isObject(tool))
      expected(`tools[${i}]`, tool, 'an object, such as {"type": "function", "function": {…}}');
  }
  return json;
}

function checkMessage(message: unknown, where: string): void {
  if (!isObject(message)) expected(where, message, 'an object with role and content');
  const { role, content, reasoning_content, tool_calls } = message;
  if (!ROLES.some((known) => known === role)) expected(`${where}.role`, role, ROLES.join(', '));
  const isCalling = role === 'assistant' && tool_calls != null;
  if (typeof content !== 'string' && !(isCalling && content == null)) {
    expected(`${where}.content`, content, 'a string');
  }
  if (reasoning_content != null && typeof reasoning_content !== 'string') {
    expected(`${where}.reasoning_content`, reasoning_content, 'a string');
  }
  if (tool_calls == null) return;
  if (!Array.isArray(tool_calls)) expected(`${where}.tool_calls`, tool_calls, 'an array');
  for (const [i, call] of tool_calls.entries()) checkToolCall(call, `${where}.tool_calls[${i}]`);
}

function checkToolCall(call: unknown, where: string): void {
  const called = isObject(call) ? (call.function ?? call) : call;
  if (!isObject(called) || typeof called.name !== 'string') {
    expected(where, call, '{"function": {"name": …, "arguments": …}}');
  }
  if (typeof called.arguments !== 'string' && !isObject(called.arguments)) {
    expected(`${where}: arguments`, called.arguments, 'an object, or JSON as a string');
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function expected(where: string, found: unknown, what: string): never {
  throw new ChatTemplateError(`${where}: found ${show(found)}; expected ${what}`);
}
