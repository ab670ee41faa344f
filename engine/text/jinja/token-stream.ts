import { TemplateFailure } from './failure.ts';
import type { Token } from './lexer.ts';

/** Tokens with a place among them. */
export class TokenStream {
  readonly #tokens: readonly Token[];
  #place = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get current(): Token {
    return this.#tokens[this.#place];
  }

  get following(): Token {
    return this.#tokens[this.#place + 1] ?? this.current;
  }

  next(): Token {
    const token = this.current;
    if (token.type !== 'end') this.#place++;
    return token;
  }

  is(type: Token['type'], text?: string): boolean {
    return this.current.type === type && (text === undefined || this.current.text === text);
  }

  isOperator(...texts: string[]): boolean {
    return this.current.type === 'operator' && texts.includes(this.current.text);
  }

  /** Whether the token was there; it is passed. */
  skip(type: Token['type'], text?: string): boolean {
    const found = this.is(type, text);
    if (found) this.next();
    return found;
  }

  /** @throws TemplateFailure if another token stands here. */
  expect(type: Token['type'], text?: string): Token {
    if (!this.is(type, text)) this.fail(`expected ${text ?? type}, got ${describe(this.current)}`);
    return this.next();
  }

  fail(message: string): never {
    throw new TemplateFailure(`${message} (line ${this.current.line})`);
  }
}

export function describe(token: Token): string {
  if (token.type === 'end') return 'the end of the template';
  return token.type === 'string' ? 'a string' : `'${token.text.slice(0, 40)}'`;
}
