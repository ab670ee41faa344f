import { chatCompletions } from '../../../../../engine/server/chat/chat-completions.ts';
import type { ChatCompletion, ChatCompletionChunk } from '../../../../../engine/server/chat/shapes.ts';
import { type Script, type ScriptedContext, scriptedContext } from './scripted-context.ts';

export const messages = [{ role: 'user', content: 'hi' }];
export const tools = [{ type: 'function', function: { name: 'f', parameters: {} } }];
export const signal = new AbortController().signal;

/** The whole answer, as a client reads it. */
export async function answer(fields: object, script?: Script): Promise<ChatCompletion> {
  const context = scriptedContext(script);
  const completion = await chatCompletions({ messages, temperature: 0, ...fields }, context, signal);
  if (context.admitted !== 0) throw new Error(`${context.admitted} sequences are still admitted`);
  return JSON.parse(JSON.stringify(completion));
}

/** The chunks of an answer, as a client reads them. */
export async function stream(fields: object, context: ScriptedContext): Promise<ChatCompletionChunk[]> {
  const chunks: ChatCompletionChunk[] = [];
  const body = { messages, temperature: 0, stream: true, ...fields };
  for await (const chunk of chatCompletions(body, context, signal) as AsyncGenerator<ChatCompletionChunk>) {
    chunks.push(JSON.parse(JSON.stringify(chunk)));
  }
  return chunks;
}

/** The tokens of a call. */
export const CALL = [
  '<tool_call>',
  '\n',
  '{"name": "f", ',
  '"arguments": {"n": 9007199254740993}}',
  '\n',
  '</tool_call>',
];
/** The tokens of thoughts and content. */
export const THINKING = ['<think>', '\n', 'Hm', '.', '\n', '</think>', '\n\n', 'Yes', '.'];
