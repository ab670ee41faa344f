import { show } from '../../errors.ts';
import { TemplateFailure, unsupported } from './failure.ts';
import { SPACE, strip } from './unicode.ts';

/** `open` and `close` are `{%` or `{{` and `%}` or `}}`. */
export interface Token {
  readonly type: 'data' | 'open' | 'close' | 'name' | 'string' | 'number' | 'operator' | 'end';
  /** The text; of a string its characters. */
  readonly text: string;
  /** A number's value. */
  readonly value?: bigint | number;
  readonly line: number;
}

const TAG = /\{[%{#]/g;
const RAW = new RegExp(`\\{%([-+]?)[${SPACE}]*raw[${SPACE}]*(?:-%\\}[${SPACE}]*|%\\})`, 'y');
const END_RAW = new RegExp(
  `\\{%([-+]?)[${SPACE}]*endraw[${SPACE}]*(?:\\+%\\}|-%\\}[${SPACE}]*|%\\}\\n?)`,
  'g',
);
const CLOSE = {
  '{%': new RegExp(`(?:\\+%\\}|-%\\}[${SPACE}]*|%\\}\\n?)`, 'y'),
  '{{': new RegExp(`(?:-\\}\\}[${SPACE}]*|\\}\\})`, 'y'),
} as const;
const CLOSING = { '{%': '%}', '{{': '}}' } as const;
const BLANK = new RegExp(`[${SPACE}]+`, 'y');
const FLOAT = /(?<!\.)(?:\d+_)*\d+(?:(?:\.(?:\d+_)*\d+)?e[+-]?(?:\d+_)*\d+|\.(?:\d+_)*\d+)/iy;
const INTEGER = /0b(?:_?[01])+|0o(?:_?[0-7])+|0x(?:_?[\da-f])+|[1-9](?:_?\d)*|0(?:_?0)*/iy;
const NAME = /[\p{ID_Start}_]\p{ID_Continue}*/uy;
const STRING = /'[^'\\]*(?:\\[\s\S][^'\\]*)*'|"[^"\\]*(?:\\[\s\S][^"\\]*)*"/y;
const OPERATOR = /\/\/|\*\*|[=!<>]=|[-+/*%~[\](){}<>=.:|,;]/y;
const PARTNERS: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' };

/**
 * Splits a template into its tokens, with `trim_blocks` and `lstrip_blocks` as HuggingFace sets them.
 *
 * Every line end counts as a newline, and one at the end of the template is dropped, as in jinja2.
 *
 * @throws TemplateFailure with the line if a tag does not end or holds a character that has no meaning.
 */
export function tokenize(template: string): Token[] {
  return new Lexer(template.replace(/\r\n?/g, '\n').replace(/\n$/, '')).run();
}

class Lexer {
  readonly #source: string;
  readonly #tokens: Token[] = [];
  #position = 0;
  #line = 1;
  #counted = 0;
  /** Whether what was read last ended with a newline, which `trim_blocks` has taken. */
  #isLineStart = true;

  constructor(source: string) {
    this.#source = source;
  }

  run(): Token[] {
    while (this.#position < this.#source.length) {
      TAG.lastIndex = this.#position;
      const tag = TAG.exec(this.#source);
      const start = tag?.index ?? this.#source.length;
      const text = this.#source.slice(this.#position, start);
      if (!tag) {
        this.#data(text);
        break;
      }
      RAW.lastIndex = start;
      const raw = RAW.exec(this.#source);
      const sign = raw ? raw[1] : this.#sign(start + 2);
      this.#data(this.#stripped(text, sign, tag[0] !== '{{'));
      this.#move(raw ? raw.index + raw[0].length : start + 2 + sign.length);
      if (raw) this.#raw();
      else if (tag[0] === '{#') this.#comment();
      else this.#tag(tag[0] as '{%' | '{{');
    }
    this.#add('end', '');
    return this.#tokens;
  }

  #sign(position: number): string {
    const character = this.#source[position];
    return character === '-' || character === '+' ? character : '';
  }

  /** Text before a tag: `-` strips all white space, and otherwise a block strips what indents it. */
  #stripped(text: string, sign: string, isBlock: boolean): string {
    if (sign === '-') return strip(text, null, { start: false, end: true });
    if (sign === '+' || !isBlock) return text;
    const line = text.lastIndexOf('\n') + 1;
    if (line === 0 && !this.#isLineStart) return text;
    const isBlank = strip(text.slice(line), null, { start: true, end: false }) === '';
    return isBlank ? text.slice(0, line) : text;
  }

  #raw(): void {
    END_RAW.lastIndex = this.#position;
    const end = END_RAW.exec(this.#source);
    if (!end) this.#fail('Missing end of raw directive');
    this.#data(this.#stripped(this.#source.slice(this.#position, end.index), end[1], true));
    this.#move(end.index + end[0].length);
  }

  #comment(): void {
    const end = this.#source.indexOf('#}', this.#position);
    if (end === -1) this.#fail('Missing end of comment tag');
    const sign = end > this.#position ? this.#source[end - 1] : '';
    this.#move(end + 2);
    if (sign === '-') this.#skip(BLANK);
    else if (sign !== '+' && this.#source[this.#position] === '\n') this.#move(this.#position + 1);
  }

  #tag(open: '{%' | '{{'): void {
    this.#add('open', open);
    const brackets: string[] = [];
    while (this.#position < this.#source.length) {
      // Inside brackets `}}` ends two of them, not the tag.
      if (brackets.length === 0 && this.#skip(CLOSE[open]) !== undefined) {
        this.#add('close', CLOSING[open]);
        return;
      }
      if (this.#skip(BLANK) === undefined) this.#token(brackets);
    }
  }

  #token(brackets: string[]): void {
    const float = this.#skip(FLOAT);
    const integer = float === undefined ? this.#skip(INTEGER) : undefined;
    const number = float ?? integer;
    if (number !== undefined) {
      const digits = number.replaceAll('_', '');
      this.#add('number', number, float === undefined ? this.#integer(digits) : Number(digits));
      return;
    }
    const name = this.#skip(NAME);
    const string = name === undefined ? this.#skip(STRING) : undefined;
    if (name !== undefined) this.#add('name', name);
    else if (string !== undefined) this.#add('string', this.#unescape(string.slice(1, -1)));
    else this.#operator(brackets);
  }

  #operator(brackets: string[]): void {
    const operator = this.#skip(OPERATOR);
    if (operator === undefined) this.#fail(`unexpected char ${show(this.#source[this.#position])}`);
    if ('([{'.includes(operator)) brackets.push(operator);
    if (operator in PARTNERS && brackets.pop() !== PARTNERS[operator]) this.#fail(`unexpected '${operator}'`);
    this.#add('operator', operator);
  }

  #integer(text: string): bigint {
    if (text.length > 4300) this.#fail('an int of more than 4300 digits');
    return BigInt(text.toLowerCase().replace(/^0+$/, '0'));
  }

  /** Python's escapes; an unknown one keeps its backslash. */
  #unescape(text: string): string {
    return text.replace(
      /\\(?:\n|([\\'"abfnrtv])|([0-7]{1,3})|x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([xuUN]))/g,
      (_, letter, octal, ...hex) => {
        const [x, u, long, cut] = hex;
        if (cut === 'N') unsupported('a character by its name (\\N{…})');
        if (cut !== undefined) this.#fail(`truncated \\${cut} escape`);
        if (letter !== undefined) return SINGLE[letter];
        const digits = x ?? u ?? long;
        if (digits === undefined && octal === undefined) return '';
        const code = octal !== undefined ? Number.parseInt(octal, 8) : Number.parseInt(digits, 16);
        if (code > 0x10ffff) this.#fail('illegal Unicode character');
        return code > 0xffff ? String.fromCodePoint(code) : String.fromCharCode(code);
      },
    );
  }

  #skip(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#position;
    const found = pattern.exec(this.#source)?.[0];
    if (found !== undefined) this.#move(this.#position + found.length);
    return found;
  }

  #move(position: number): void {
    this.#position = position;
    this.#isLineStart = this.#source[position - 1] === '\n';
  }

  #data(text: string): void {
    if (text !== '') this.#add('data', text);
  }

  #add(type: Token['type'], text: string, value?: bigint | number): void {
    this.#tokens.push({ type, text, value, line: this.#lineNow() });
  }

  #lineNow(): number {
    for (; this.#counted < this.#position; this.#counted++) {
      if (this.#source[this.#counted] === '\n') this.#line++;
    }
    return this.#line;
  }

  #fail(message: string): never {
    throw new TemplateFailure(`${message} (line ${this.#lineNow()})`);
  }
}

const SINGLE: Readonly<Record<string, string>> = {
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};
