import { OptionError } from '../../errors.ts';
import type { RenderOptions } from '../../text/chat.ts';
import type { ChatMessage, FunctionCall } from '../../text/conversation.ts';
import { JsonNestingError, parseJson } from '../../text/jinja/parse-json.ts';
import type { ChatPrompt } from '../context.ts';
import { JSON_OF_OBJECT } from './conversation.ts';
import { isJsonObject, pythonJson } from './json-text.ts';
import { checkJsonValue, FEWER_LEVELS } from './json-value.ts';

/** What a chat template renders. */
export interface Conversation extends RenderOptions {
  readonly messages: readonly ChatMessage[];
}

/**
 * Reads the JSON in a conversation: tools and the arguments of calls, without a loss that a template shows. A
 * mebibyte of it takes 300 ms, so that the thread of the texts does it.
 *
 * @throws OptionError that names the part at fault: `messages[0].tool_calls[1].function.arguments`.
 */
export function readPromptJson({
  toolsJson,
  argumentsAsJson,
  messages,
  ...options
}: ChatPrompt): Conversation {
  return {
    ...options,
    messages: messages.map((message, i) => withArguments(message, `messages[${i}]`, argumentsAsJson)),
    ...(toolsJson !== undefined && { tools: toolsOf(toolsJson) }),
  };
}

function toolsOf(json: string): NonNullable<RenderOptions['tools']> {
  const tools = parsed('tools', json, 'JSON') as NonNullable<RenderOptions['tools']>;
  for (const [i, each] of tools.entries()) checkJsonValue(`tools[${i}]`, each);
  return tools;
}

function withArguments(message: ChatMessage, where: string, asJson = false): ChatMessage {
  if (!message.tool_calls) return message;
  const calls = message.tool_calls.map((call, i) => {
    const called = 'function' in call ? call.function : call;
    return { function: withReadArguments(called, `${where}.tool_calls[${i}].function.arguments`, asJson) };
  });
  return { ...message, tool_calls: calls };
}

function withReadArguments(called: FunctionCall, where: string, asJson: boolean): FunctionCall {
  const { arguments: json } = called;
  if (typeof json !== 'string') return called;
  const value = parsed(where, json, JSON_OF_OBJECT);
  if (!isJsonObject(value)) throw new OptionError(where, json, JSON_OF_OBJECT);
  checkJsonValue(where, value);
  return { ...called, arguments: asJson ? pythonJson(json) : value };
}

/** @throws OptionError if the text is no JSON, or is nested too deeply. */
function parsed(where: string, json: string, expected: string): unknown {
  try {
    return parseJson(json);
  } catch (cause) {
    throw new OptionError(where, json, cause instanceof JsonNestingError ? FEWER_LEVELS : expected);
  }
}
