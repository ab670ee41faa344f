import { ReasoningParser, type Thinking } from './reasoning-parser.ts';
import { type ContentPart, ToolCallParser } from './tool-call-parser.ts';
import type { CalledFunction } from './tool-call-scanner.ts';

/** What is looked for in an answer; the rest is content. */
export interface AnswerFormat {
  readonly thinking: Thinking;
  /** Whether calls of functions are looked for. */
  readonly hasToolCalls: boolean;
}

/** What a piece of the answer adds to the message. */
export interface MessagePiece {
  readonly reasoning: string;
  readonly content: string;
  readonly toolCalls: readonly CalledFunction[];
}

/** Turns the text of an answer into the parts of the assistant's message, as it arrives in pieces. */
export class MessageParser {
  readonly #reasoning: ReasoningParser;
  readonly #toolCalls: ToolCallParser | undefined;

  constructor({ thinking, hasToolCalls }: AnswerFormat) {
    this.#reasoning = new ReasoningParser(thinking);
    this.#toolCalls = hasToolCalls ? new ToolCallParser() : undefined;
  }

  push(text: string): MessagePiece {
    const { reasoning, content } = this.#reasoning.push(text);
    return joined(reasoning, this.#partsOf(content));
  }

  /** Ends the answer: gives what was held back because it might have become a tag or a call. */
  end(): MessagePiece {
    const { reasoning, content } = this.#reasoning.end();
    return joined(reasoning, [...this.#partsOf(content), ...(this.#toolCalls?.end() ?? [])]);
  }

  /** The parts of an answer that is there in one text. */
  whole(text: string): MessagePiece {
    const [first, last] = [this.push(text), this.end()];
    return {
      reasoning: first.reasoning + last.reasoning,
      content: first.content + last.content,
      toolCalls: [...first.toolCalls, ...last.toolCalls],
    };
  }

  #partsOf(content: string): ContentPart[] {
    return this.#toolCalls?.push(content) ?? [{ type: 'content', text: content }];
  }
}

function joined(reasoning: string, parts: readonly ContentPart[]): MessagePiece {
  const texts = parts.map((part) => (part.type === 'content' ? part.text : ''));
  return { reasoning, content: texts.join(''), toolCalls: parts.filter((part) => part.type === 'tool_call') };
}
