/** A message of a conversation, as far as calls of tools are concerned. */
interface Message {
  readonly role?: unknown;
  readonly tool_calls?: readonly ToolCall[];
}

interface ToolCall {
  readonly function?: { readonly arguments?: unknown };
}

/**
 * Messages in the form of OpenAI's API, which servers may insist on: the arguments of a call are a text of
 * JSON, and a call and its result have the same id. HuggingFace's templates take arguments as an object and
 * need no ids.
 */
export function openaiMessages(messages: readonly object[]): object[] {
  let calls = 0;
  let results = 0;
  return (messages as readonly Message[]).map((message) => {
    if (message.role === 'tool') return { tool_call_id: idOf(results++), ...message };
    if (!Array.isArray(message.tool_calls)) return message;
    return { ...message, tool_calls: message.tool_calls.map((call) => toolCall(call, idOf(calls++))) };
  });
}

function toolCall(call: ToolCall, id: string): object {
  const { arguments: given } = call.function ?? {};
  if (given === undefined || typeof given === 'string') return { id, ...call };
  return { id, ...call, function: { ...call.function, arguments: JSON.stringify(given) } };
}

/** Results come in the order of the calls. */
function idOf(index: number): string {
  return `call_${index}`;
}
