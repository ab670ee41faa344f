import { membersOf, parseJsonObject } from './json-text.ts';

export const TOOL_CALL_BEGIN = '<tool_call>';
export const TOOL_CALL_END = '</tool_call>';

/** A function that the model called. */
export interface CalledFunction {
  readonly name: string;
  /** The JSON of an object, spelt as the model wrote it: numbers keep all their digits. */
  readonly arguments: string;
}

/** A call, and how many characters of the last piece belong to it; or a text that cannot become a call. */
export type ScanOutcome =
  | { readonly type: 'call'; readonly call: CalledFunction; readonly end: number }
  | { readonly type: 'malformed' };

const MALFORMED: ScanOutcome = { type: 'malformed' };
/** What JSON has outside strings. Whether the text is JSON is asked when its braces are closed. */
const OUTSIDE_STRINGS = /[\s:,\-+.0-9a-zE]/;
const JSON_SPACE = /[ \t\n\r]/;

/**
 * Reads what follows `<tool_call>`, as it arrives in pieces: `{"name": …, "arguments": {…}}` between white
 * space, and `</tool_call>`. A tag inside a string of the JSON is part of the string.
 */
export class ToolCallScanner {
  #json = '';
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  #call: CalledFunction | undefined;
  /** Characters of `</tool_call>` found. */
  #tagLength = 0;

  /** @returns undefined while the call is unfinished. */
  push(piece: string): ScanOutcome | undefined {
    for (let i = 0; i < piece.length; i++) {
      const character = piece[i];
      const isPossible = this.#call ? this.#takeTag(character) : this.#takeJson(character);
      if (!isPossible) return MALFORMED;
      if (this.#call && this.#tagLength === TOOL_CALL_END.length)
        return { type: 'call', call: this.#call, end: i + 1 };
      if (this.#call || this.#depth > 0 || JSON_SPACE.test(character)) continue;
      // The last brace is closed.
      this.#call = parseCall(this.#json + piece.slice(0, i + 1));
      if (!this.#call) return MALFORMED;
    }
    this.#json += piece;
    return undefined;
  }

  /** Follows strings and brackets; false if the character cannot stand here. */
  #takeJson(character: string): boolean {
    if (this.#isInString) {
      if (this.#isEscaped) this.#isEscaped = false;
      else if (character === '\\') this.#isEscaped = true;
      else if (character === '"') this.#isInString = false;
      return true;
    }
    if (character === '{') this.#depth++;
    else if (this.#depth === 0) return JSON_SPACE.test(character);
    else if (character === '[') this.#depth++;
    else if (character === '}' || character === ']') this.#depth--;
    else if (character === '"') this.#isInString = true;
    else return OUTSIDE_STRINGS.test(character);
    return true;
  }

  /** White space and `</tool_call>`. */
  #takeTag(character: string): boolean {
    if (character !== TOOL_CALL_END[this.#tagLength])
      return this.#tagLength === 0 && JSON_SPACE.test(character);
    this.#tagLength++;
    return true;
  }
}

/** @returns undefined if the text is no JSON, or has other members than a call: they would be lost. */
function parseCall(json: string): CalledFunction | undefined {
  const parsed = parseJsonObject(json);
  if (!parsed || typeof parsed.name !== 'string' || parsed.name === '') return undefined;
  const members = membersOf(json);
  const argumentsJson = members.find(([key]) => key === 'arguments')?.[1];
  if (members.length !== 2 || !argumentsJson?.startsWith('{')) return undefined;
  return { name: parsed.name, arguments: argumentsJson };
}
