import type { MessagePiece } from './message-parser.ts';
import type { AssistantMessage, ChatDelta, ToolCall } from './shapes.ts';

/** The message of one choice, as it grows. */
export class ChoiceMessage {
  readonly #idPrefix: string;
  readonly #toolCalls: ToolCall[] = [];
  #reasoning = '';
  #content = '';

  /** @param idPrefix of calls; with their index in the message it makes ids that no other call has. */
  constructor(idPrefix: string) {
    this.#idPrefix = idPrefix;
  }

  get numToolCalls(): number {
    return this.#toolCalls.length;
  }

  /** @returns what the piece adds, as a streamed answer writes it; undefined if it adds nothing. */
  add({ reasoning, content, toolCalls }: MessagePiece): ChatDelta | undefined {
    const first = this.#toolCalls.length;
    const calls = toolCalls.map(
      ({ name, arguments: json }, i): ToolCall => ({
        id: `${this.#idPrefix}_${first + i}`,
        type: 'function',
        function: { name, arguments: json },
      }),
    );
    this.#toolCalls.push(...calls);
    this.#reasoning += reasoning;
    this.#content += content;
    if (reasoning === '' && content === '' && calls.length === 0) return undefined;
    return {
      ...(reasoning !== '' && { reasoning_content: reasoning }),
      ...(content !== '' && { content }),
      ...(calls.length > 0 && { tool_calls: calls.map((call, i) => ({ index: first + i, ...call })) }),
    };
  }

  /** The whole message. Empty content beside thoughts or calls is null, as in OpenAI's API. */
  whole(): AssistantMessage {
    const isOnlyContent = this.#reasoning === '' && this.#toolCalls.length === 0;
    return {
      role: 'assistant',
      content: this.#content === '' && !isOnlyContent ? null : this.#content,
      refusal: null,
      ...(this.#reasoning !== '' && { reasoning_content: this.#reasoning }),
      ...(this.#toolCalls.length > 0 && { tool_calls: [...this.#toolCalls] }),
    };
  }
}
