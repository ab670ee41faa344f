import type { Body, Expression, Parameters, Statement, Target } from './ast.ts';
import { parseExpression, parseFilters, parseTuple } from './expressions.ts';
import { tokenize } from './lexer.ts';
import { describe, TokenStream } from './token-stream.ts';

/** Statements of jinja2 that no chat template can use, since it is a single file. */
const REFUSED = ['autoescape', 'block', 'extends', 'from', 'import', 'include'];
/** Names that have a value of their own. */
const CONSTANTS = ['true', 'false', 'none', 'True', 'False', 'None'];

/**
 * Parses a chat template in jinja2's grammar, with HuggingFace's extensions: `break`, `continue` and
 * `generation`.
 *
 * @throws TemplateFailure with the line, for a syntax error or a statement that is not supported.
 */
export function parse(template: string): Body {
  return new Parser(new TokenStream(tokenize(template))).run();
}

class Parser {
  readonly #tokens: TokenStream;
  /** Loops around the statement that is parsed; `break` belongs to the innermost. */
  #loops = 0;

  constructor(tokens: TokenStream) {
    this.#tokens = tokens;
  }

  run(): Body {
    return this.#statements([]);
  }

  /** Statements up to a tag of one of the names, whose `{%` is passed and whose name is not. */
  #statements(ends: readonly string[]): Body {
    const tokens = this.#tokens;
    const body: Statement[] = [];
    while (!tokens.is('end')) {
      if (tokens.is('data')) body.push({ kind: 'text', text: tokens.next().text });
      else if (tokens.skip('open', '{{')) {
        body.push({ kind: 'output', expression: parseTuple(tokens) });
        tokens.expect('close');
      } else {
        tokens.expect('open', '{%');
        if (ends.some((name) => tokens.is('name', name))) return body;
        body.push(...this.#statement());
        tokens.expect('close');
      }
    }
    if (ends.length > 0) tokens.fail(`expected ${ends.join(' or ')}, got the end of the template`);
    return body;
  }

  /** The body of a statement: the rest of its tag, and all up to one of the names. */
  #body(...ends: string[]): Body {
    this.#tokens.skip('operator', ':');
    this.#tokens.expect('close');
    return this.#statements(ends);
  }

  /** A body that only one name ends, which is passed. */
  #wholeBody(end: string): Body {
    const body = this.#body(end);
    this.#tokens.next();
    return body;
  }

  #statement(): Statement[] {
    const tokens = this.#tokens;
    const name = tokens.expect('name').text;
    switch (name) {
      case 'for':
        return [this.#for()];
      case 'if':
        return [this.#if()];
      case 'set':
        return [this.#set()];
      case 'macro':
        return [this.#outsideLoops(() => this.#macro())];
      case 'call':
        return [this.#outsideLoops(() => this.#callBlock())];
      case 'filter': {
        const filters = parseFilters(tokens, true);
        return [{ kind: 'filterBlock', filters, body: this.#wholeBody('endfilter') }];
      }
      case 'with':
        return [this.#with()];
      case 'generation':
        return [this.#outsideLoops(() => ({ kind: 'generation', body: this.#wholeBody('endgeneration') }))];
      case 'print':
        return this.#print();
      case 'break':
      case 'continue':
        if (this.#loops === 0) tokens.fail(`'${name}' outside of a loop`);
        return [{ kind: name }];
      default:
        if (REFUSED.includes(name)) tokens.fail(`the statement ${name} is not supported by this engine`);
        return tokens.fail(`Encountered unknown tag '${name}'.`);
    }
  }

  /** What becomes a function in Python, where a loop outside is out of reach. */
  #outsideLoops(parseStatement: () => Statement): Statement {
    const loops = this.#loops;
    this.#loops = 0;
    const statement = parseStatement();
    this.#loops = loops;
    return statement;
  }

  #for(): Statement {
    const tokens = this.#tokens;
    const target = this.#target('in', false);
    tokens.expect('name', 'in');
    const iterable = parseTuple(tokens, { withCondition: false, end: 'recursive' });
    const test = tokens.skip('name', 'if') ? parseExpression(tokens) : undefined;
    if (tokens.is('name', 'recursive')) tokens.fail('a recursive loop is not supported by this engine');
    this.#loops++;
    const body = this.#body('endfor', 'else');
    this.#loops--;
    const otherwise = tokens.next().text === 'else' ? this.#wholeBody('endfor') : [];
    return { kind: 'for', target, iterable, test, body, otherwise };
  }

  #if(): Statement {
    const branches: [Expression, Body][] = [];
    let otherwise: Body = [];
    for (;;) {
      const test = parseTuple(this.#tokens, { withCondition: false });
      branches.push([test, this.#body('elif', 'else', 'endif')]);
      const { text } = this.#tokens.next();
      if (text === 'else') otherwise = this.#wholeBody('endif');
      if (text !== 'elif') return { kind: 'if', branches, otherwise };
    }
  }

  #set(): Statement {
    const target = this.#target(undefined, true);
    if (this.#tokens.skip('operator', '=')) return { kind: 'set', target, value: parseTuple(this.#tokens) };
    const filters = parseFilters(this.#tokens);
    return { kind: 'setBlock', target, filters, body: this.#wholeBody('endset') };
  }

  #macro(): Statement {
    const name = this.#name();
    const parameters = this.#parameters();
    return { kind: 'macro', name, parameters, body: this.#wholeBody('endmacro') };
  }

  #callBlock(): Statement {
    const tokens = this.#tokens;
    const parameters = tokens.isOperator('(') ? this.#parameters() : { names: [], defaults: [] };
    const call = parseExpression(tokens);
    if (call.kind !== 'call') return tokens.fail('expected call');
    return { kind: 'callBlock', parameters, call, body: this.#wholeBody('endcall') };
  }

  #with(): Statement {
    const tokens = this.#tokens;
    const targets: Target[] = [];
    const values: Expression[] = [];
    while (!tokens.is('close')) {
      if (targets.length > 0) tokens.expect('operator', ',');
      targets.push({ kind: 'name', name: this.#name() });
      tokens.expect('operator', '=');
      values.push(parseExpression(tokens));
    }
    return { kind: 'with', targets, values, body: this.#wholeBody('endwith') };
  }

  #print(): Statement[] {
    const outputs: Statement[] = [];
    while (!this.#tokens.is('close')) {
      if (outputs.length > 0) this.#tokens.expect('operator', ',');
      outputs.push({ kind: 'output', expression: parseExpression(this.#tokens) });
    }
    return outputs;
  }

  #parameters(): Parameters {
    const tokens = this.#tokens;
    const names: string[] = [];
    const defaults: Expression[] = [];
    tokens.expect('operator', '(');
    while (!tokens.isOperator(')')) {
      if (names.length > 0) tokens.expect('operator', ',');
      const name = this.#name();
      if (names.includes(name)) tokens.fail(`duplicate argument '${name}' in function definition`);
      if (tokens.skip('operator', '=')) defaults.push(parseExpression(tokens));
      else if (defaults.length > 0) tokens.fail('non-default argument follows default argument');
      names.push(name);
    }
    tokens.next();
    return { names, defaults };
  }

  #name(): string {
    const { text } = this.#tokens.expect('name');
    if (CONSTANTS.includes(text)) this.#tokens.fail(`can't assign to '${text}'`);
    return text;
  }

  #target(end: string | undefined, withNamespace: boolean): Target {
    const tokens = this.#tokens;
    const items: Target[] = [];
    let isTuple = false;
    const isEnd = () =>
      tokens.is('close') || tokens.isOperator('=', ')') || (end !== undefined && tokens.is('name', end));
    while (!isEnd()) {
      items.push(this.#oneTarget(withNamespace));
      if (!tokens.skip('operator', ',')) break;
      isTuple = true;
    }
    if (items.length === 0) tokens.fail(`expected a name, got ${describe(tokens.current)}`);
    return isTuple ? { kind: 'targets', items } : items[0];
  }

  #oneTarget(withNamespace: boolean): Target {
    const tokens = this.#tokens;
    if (tokens.skip('operator', '(')) {
      const inner = this.#target(undefined, withNamespace);
      tokens.expect('operator', ')');
      return inner;
    }
    const name = this.#name();
    if (withNamespace && tokens.skip('operator', '.')) {
      return { kind: 'namespace', name, attribute: tokens.expect('name').text };
    }
    return { kind: 'name', name };
  }
}
