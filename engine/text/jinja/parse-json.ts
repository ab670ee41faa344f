/**
 * Arrays and objects within one another. Python's `json.loads` takes about twice as many; functions that
 * recurse over the value must not overflow the stack.
 */
const MAX_LEVELS = 500;

/** JSON that is valid, and has more levels than {@link parseJson} takes. */
export class JsonNestingError extends SyntaxError {
  constructor() {
    super('it is nested too deeply');
  }
}

/**
 * `JSON.parse` without losing what Python keeps. Whole numbers beyond 2^53 become bigints, numbers with a
 * point or an exponent whose value is whole become `Number` objects, so that `1.0` stays a float, and an
 * object with a key such as `"10"`, which JavaScript would move to the front, becomes a Map.
 *
 * Objects are not taken from `JSON.parse`: once V8 has read `{"h":[],"\\":0}`, it reads `{"h":1,"\"":2}` with
 * the key `\` (nodejs/node#63785).
 *
 * @throws SyntaxError as `JSON.parse` does; JsonNestingError for more than 500 levels.
 */
export function parseJson(text: string): unknown {
  // Tells what is wrong with a text, and where. The reader is for valid JSON.
  JSON.parse(text);
  return new JsonReader(text).value(MAX_LEVELS);
}

/** What `JSON.parse` gives for the same text as a value of {@link parseJson}. */
export function plainJson(value: unknown): unknown {
  if (value === 0n) return -0;
  if (typeof value === 'bigint' || value instanceof Number) return Number(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(plainJson);
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  return Object.fromEntries(entries.map(([key, inner]) => [key, plainJson(inner)]));
}

const INTEGER = /^(?:0|[1-9]\d*)$/;
/** A number, true, false or null. */
const WORD = /[^\s,\]}]+/y;
const LITERALS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['null', null],
  ['true', true],
  ['false', false],
]);

/** Reads valid JSON. */
class JsonReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** @param levels how many arrays and objects the value may have within one another. */
  value(levels: number): unknown {
    if (this.#take('[')) return this.#array(levels);
    if (this.#take('{')) return this.#object(levels);
    return this.#text[this.#at] === '"' ? this.#string() : this.#word();
  }

  #array(levels: number): unknown[] {
    if (levels === 0) throw new JsonNestingError();
    const items: unknown[] = [];
    if (this.#take(']')) return items;
    do items.push(this.value(levels - 1));
    while (this.#take(','));
    this.#take(']');
    return items;
  }

  #object(levels: number): object {
    if (levels === 0) throw new JsonNestingError();
    const entries: [string, unknown][] = [];
    if (this.#take('}')) return {};
    do {
      this.#skipSpace();
      const key = this.#string();
      this.#take(':');
      entries.push([key, this.value(levels - 1)]);
    } while (this.#take(','));
    this.#take('}');
    return entries.some(([key]) => INTEGER.test(key)) ? new Map(entries) : Object.fromEntries(entries);
  }

  #string(): string {
    const begin = this.#at++;
    let hasEscape = false;
    for (; this.#text[this.#at] !== '"'; this.#at++) {
      if (this.#text[this.#at] !== '\\') continue;
      hasEscape = true;
      this.#at++;
    }
    this.#at++;
    const string = this.#text.slice(begin, this.#at);
    return hasEscape ? JSON.parse(string) : string.slice(1, -1);
  }

  #word(): unknown {
    WORD.lastIndex = this.#at;
    const [word] = WORD.exec(this.#text)!;
    this.#at += word.length;
    return LITERALS.has(word) ? LITERALS.get(word) : exactNumber(word);
  }

  /** Takes a character, with white space before it, if it is the next. */
  #take(character: string): boolean {
    this.#skipSpace();
    const isNext = this.#text[this.#at] === character;
    if (isNext) this.#at++;
    return isNext;
  }

  #skipSpace(): void {
    while (' \t\n\r'.includes(this.#text[this.#at])) this.#at++;
  }
}

function exactNumber(source: string): unknown {
  const value = Number(source);
  if (/[.eE]/.test(source)) return Number.isInteger(value) ? Object(value) : value;
  return Number.isSafeInteger(value) && source !== '-0' ? value : BigInt(source);
}
