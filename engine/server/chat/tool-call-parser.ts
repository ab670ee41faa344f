import { isBlank, partialTagLength } from './tags.ts';
import { type CalledFunction, TOOL_CALL_BEGIN, ToolCallScanner } from './tool-call-scanner.ts';

/** A part of an answer's content, in the order in which the model wrote it. */
export type ContentPart =
  | { readonly type: 'content'; readonly text: string }
  | ({ readonly type: 'tool_call' } & CalledFunction);

/**
 * Finds calls of functions, `<tool_call>{"name": …, "arguments": {…}}</tool_call>`, in a content that
 * arrives in pieces. The result does not depend on how the text is cut.
 *
 * A call is given when it is whole. What does not become one stays content to the last character: a call
 * that is cut, JSON that is malformed or has other members, a tag without its partner. White space is
 * dropped inside the tags around the JSON, and where it is all that stands between calls, before the first or
 * after the last.
 */
export class ToolCallParser {
  /** The beginning of a tag, or a call that is not whole. */
  #held = '';
  #scanner: ToolCallScanner | undefined;
  /** White space that begins the content or follows a call. */
  #space = '';
  /** Whether content was given since the last call. */
  #isInText = false;
  #hasCalls = false;

  push(piece: string): ContentPart[] {
    const parts: ContentPart[] = [];
    this.#take(piece, parts);
    return parts;
  }

  /** Ends the content: what was held back did not become a call. */
  end(): ContentPart[] {
    const parts: ContentPart[] = [];
    while (this.#scanner) this.#take(this.#giveUp(parts), parts);
    this.#addText(this.#held, parts);
    this.#held = '';
    if (this.#space !== '' && !this.#hasCalls) parts.push({ type: 'content', text: this.#space });
    this.#space = '';
    return parts;
  }

  #take(piece: string, parts: ContentPart[]): void {
    let rest = piece;
    while (rest !== '')
      rest = this.#scanner ? this.#scan(this.#scanner, rest, parts) : this.#seek(rest, parts);
  }

  /** Returns the text that is still to be taken. */
  #scan(scanner: ToolCallScanner, piece: string, parts: ContentPart[]): string {
    const outcome = scanner.push(piece);
    this.#held += piece;
    if (!outcome) return '';
    if (outcome.type === 'malformed') return this.#giveUp(parts);
    parts.push({ type: 'tool_call', ...outcome.call });
    this.#scanner = undefined;
    this.#held = '';
    this.#space = '';
    this.#isInText = false;
    this.#hasCalls = true;
    return piece.slice(outcome.end);
  }

  /** The held text is no call: its tag is content. Returns what follows the tag: it may have calls. */
  #giveUp(parts: ContentPart[]): string {
    const rest = this.#held;
    this.#scanner = undefined;
    this.#held = '';
    this.#addText(TOOL_CALL_BEGIN, parts);
    return rest;
  }

  /** Gives the text before `<tool_call>`. Returns the text after it, '' if there is no such tag. */
  #seek(piece: string, parts: ContentPart[]): string {
    const text = this.#held + piece;
    const begin = text.indexOf(TOOL_CALL_BEGIN);
    const end = begin >= 0 ? begin : text.length - partialTagLength(text, TOOL_CALL_BEGIN);
    this.#addText(text.slice(0, end), parts);
    this.#held = '';
    if (begin >= 0) this.#scanner = new ToolCallScanner();
    else this.#held = text.slice(end);
    return begin >= 0 ? text.slice(begin + TOOL_CALL_BEGIN.length) : '';
  }

  #addText(text: string, parts: ContentPart[]): void {
    if (text === '') return;
    if (!this.#isInText && isBlank(text)) {
      this.#space += text;
      return;
    }
    parts.push({ type: 'content', text: this.#space + text });
    this.#space = '';
    this.#isInText = true;
  }
}
