import type { ArithmeticOperator } from './arithmetic.ts';
import type { Arguments, Expression, FilterCall } from './ast.ts';
import type { ComparisonOperator } from './comparison.ts';
import { describe, type TokenStream } from './token-stream.ts';

const COMPARISONS = ['==', '!=', '<', '<=', '>', '>='];
const CONSTANTS: ReadonlyMap<string, null | boolean> = new Map([
  ['true', true],
  ['True', true],
  ['false', false],
  ['False', false],
  ['none', null],
  ['None', null],
]);
const NO_ARGUMENTS: Arguments = { positional: [], keywords: [] };

/** How {@link parseTuple} knows where it ends, and what it takes. */
export interface TupleOptions {
  /** Whether `a if b else c` belongs to it. Default true. */
  readonly withCondition?: boolean;
  /** A name that ends it. */
  readonly end?: string;
  /** Whether it stands in parentheses, where `()` is a tuple. */
  readonly inParentheses?: boolean;
}

/** An expression, or several with commas between them. @throws TemplateFailure for anything else. */
export function parseTuple(tokens: TokenStream, options: TupleOptions = {}): Expression {
  const { withCondition = true, end, inParentheses = false } = options;
  const items: Expression[] = [];
  let isTuple = false;
  const isEnd = () =>
    tokens.is('close') || tokens.isOperator(')') || (end !== undefined && tokens.is('name', end));
  while (!isEnd()) {
    items.push(withCondition ? parseExpression(tokens) : parseOr(tokens));
    if (!tokens.skip('operator', ',')) break;
    isTuple = true;
  }
  if (isTuple || (items.length === 0 && inParentheses)) return { kind: 'tuple', items };
  if (items.length === 0) tokens.fail(`expected an expression, got ${describe(tokens.current)}`);
  return items[0];
}

export function parseExpression(tokens: TokenStream): Expression {
  let expression = parseOr(tokens);
  while (tokens.skip('name', 'if')) {
    const test = parseOr(tokens);
    const otherwise = tokens.skip('name', 'else') ? parseExpression(tokens) : undefined;
    expression = { kind: 'condition', test, whenTrue: expression, otherwise };
  }
  return expression;
}

/** An expression without `a if b else c` outside of brackets. */
export function parseOr(tokens: TokenStream): Expression {
  let left = parseAnd(tokens);
  while (tokens.skip('name', 'or')) left = { kind: 'or', left, right: parseAnd(tokens) };
  return left;
}

function parseAnd(tokens: TokenStream): Expression {
  let left = parseNot(tokens);
  while (tokens.skip('name', 'and')) left = { kind: 'and', left, right: parseNot(tokens) };
  return left;
}

function parseNot(tokens: TokenStream): Expression {
  if (tokens.skip('name', 'not')) return { kind: 'not', operand: parseNot(tokens) };
  return parseComparison(tokens);
}

function parseComparison(tokens: TokenStream): Expression {
  const first = parseSum(tokens);
  const rest: [ComparisonOperator, Expression][] = [];
  for (;;) {
    let operator: ComparisonOperator;
    if (tokens.isOperator(...COMPARISONS)) operator = tokens.next().text as ComparisonOperator;
    else if (tokens.skip('name', 'in')) operator = 'in';
    else if (tokens.is('name', 'not') && tokens.following.type === 'name' && tokens.following.text === 'in') {
      tokens.next();
      tokens.next();
      operator = 'not in';
    } else break;
    rest.push([operator, parseSum(tokens)]);
  }
  return rest.length === 0 ? first : { kind: 'compare', first, rest };
}

/** In jinja2 `~` binds more tightly than `+`, and less than `*`. */
function parseSum(tokens: TokenStream): Expression {
  return leftToRight(tokens, ['+', '-'], parseConcat);
}

function parseConcat(tokens: TokenStream): Expression {
  const parts = [parseProduct(tokens)];
  while (tokens.skip('operator', '~')) parts.push(parseProduct(tokens));
  return parts.length === 1 ? parts[0] : { kind: 'concat', parts };
}

function parseProduct(tokens: TokenStream): Expression {
  return leftToRight(tokens, ['*', '/', '//', '%'], parsePower);
}

function parsePower(tokens: TokenStream): Expression {
  return leftToRight(tokens, ['**'], (inner) => parseUnary(inner, true));
}

function leftToRight(
  tokens: TokenStream,
  operators: readonly ArithmeticOperator[],
  operand: (tokens: TokenStream) => Expression,
): Expression {
  let left = operand(tokens);
  while (tokens.isOperator(...operators)) {
    const operator = tokens.next().text as ArithmeticOperator;
    left = { kind: 'arithmetic', operator, left, right: operand(tokens) };
  }
  return left;
}

function parseUnary(tokens: TokenStream, withFilters: boolean): Expression {
  let expression: Expression;
  if (tokens.isOperator('-', '+')) {
    const operator = tokens.next().text as '-' | '+';
    expression = { kind: 'signed', operator, operand: parseUnary(tokens, false) };
  } else expression = parsePrimary(tokens);
  expression = parsePostfix(tokens, expression);
  return withFilters ? parseFiltersAndTests(tokens, expression) : expression;
}

function parsePrimary(tokens: TokenStream): Expression {
  const token = tokens.current;
  if (token.type === 'name') {
    tokens.next();
    const constant = CONSTANTS.get(token.text);
    return constant === undefined
      ? { kind: 'name', name: token.text }
      : { kind: 'constant', value: constant };
  }
  if (token.type === 'number') return { kind: 'constant', value: tokens.next().value! };
  if (token.type === 'string') {
    let value = '';
    while (tokens.is('string')) value += tokens.next().text;
    return { kind: 'constant', value };
  }
  if (tokens.skip('operator', '(')) {
    const inner = parseTuple(tokens, { inParentheses: true });
    tokens.expect('operator', ')');
    return inner;
  }
  if (tokens.skip('operator', '[')) {
    return { kind: 'list', items: parseItems(tokens, ']', () => parseExpression(tokens)) };
  }
  if (tokens.skip('operator', '{')) {
    const pairs = parseItems(tokens, '}', () => {
      const key = parseExpression(tokens);
      tokens.expect('operator', ':');
      return [key, parseExpression(tokens)] as const;
    });
    return { kind: 'dict', pairs };
  }
  return tokens.fail(`unexpected ${describe(token)}`);
}

/** Items with commas between them, up to the closing bracket, before which a comma may stand. */
function parseItems<T>(tokens: TokenStream, end: string, item: () => T): T[] {
  const items: T[] = [];
  while (!tokens.isOperator(end)) {
    if (items.length > 0) tokens.expect('operator', ',');
    if (tokens.isOperator(end)) break;
    items.push(item());
  }
  tokens.expect('operator', end);
  return items;
}

function parsePostfix(tokens: TokenStream, start: Expression): Expression {
  let expression = start;
  for (;;) {
    if (tokens.skip('operator', '.')) expression = parseAttribute(tokens, expression);
    else if (tokens.skip('operator', '[')) expression = parseSubscript(tokens, expression);
    else if (tokens.isOperator('('))
      expression = { kind: 'call', callee: expression, args: parseArguments(tokens) };
    else return expression;
  }
}

function parseAttribute(tokens: TokenStream, object: Expression): Expression {
  const token = tokens.next();
  if (token.type === 'name') return { kind: 'attribute', object, name: token.text };
  if (token.type === 'number' && typeof token.value === 'bigint') {
    return { kind: 'item', object, key: { kind: 'constant', value: token.value } };
  }
  return tokens.fail(`expected name or number after the dot, got ${describe(token)}`);
}

function parseSubscript(tokens: TokenStream, object: Expression): Expression {
  const bounds: (Expression | undefined)[] = [undefined];
  if (!tokens.isOperator(':', ']')) bounds[0] = parseExpression(tokens);
  while (bounds.length < 3 && tokens.skip('operator', ':')) {
    bounds.push(tokens.isOperator(':', ']') ? undefined : parseExpression(tokens));
  }
  if (tokens.isOperator(',')) tokens.fail('an index of several parts is not supported by this engine');
  tokens.expect('operator', ']');
  if (bounds.length > 1) return { kind: 'slice', object, bounds };
  // jinja2 reads x[] as an index by the empty tuple, which nothing has.
  return { kind: 'item', object, key: bounds[0] ?? { kind: 'tuple', items: [] } };
}

/** Arguments in parentheses. @throws TemplateFailure for an order that Python does not allow. */
export function parseArguments(tokens: TokenStream): Arguments {
  tokens.expect('operator', '(');
  const positional: Expression[] = [];
  const keywords: [string, Expression][] = [];
  let spread: Expression | undefined;
  let keywordSpread: Expression | undefined;
  const ensure = (isRight: boolean) => {
    if (!isRight) tokens.fail('invalid syntax for function call expression');
  };
  parseItems(tokens, ')', () => {
    if (tokens.skip('operator', '*')) {
      ensure(!spread && !keywordSpread);
      spread = parseExpression(tokens);
    } else if (tokens.skip('operator', '**')) {
      ensure(!keywordSpread);
      keywordSpread = parseExpression(tokens);
    } else if (tokens.is('name') && tokens.following.type === 'operator' && tokens.following.text === '=') {
      ensure(!keywordSpread);
      const name = tokens.next().text;
      tokens.next();
      keywords.push([name, parseExpression(tokens)]);
    } else {
      ensure(!spread && !keywordSpread && keywords.length === 0);
      positional.push(parseExpression(tokens));
    }
  });
  return { positional, keywords, spread, keywordSpread };
}

function parseFiltersAndTests(tokens: TokenStream, start: Expression): Expression {
  let expression = start;
  for (;;) {
    if (tokens.isOperator('|')) {
      for (const { name, args } of parseFilters(tokens))
        expression = { kind: 'filter', operand: expression, name, args };
    } else if (tokens.skip('name', 'is')) expression = parseTest(tokens, expression);
    else if (tokens.isOperator('('))
      expression = { kind: 'call', callee: expression, args: parseArguments(tokens) };
    else return expression;
  }
}

/** `| a | b(c)`. @param isInline whether the first filter has no bar, as in `{% filter a | b %}`. */
export function parseFilters(tokens: TokenStream, isInline = false): FilterCall[] {
  const filters: FilterCall[] = [];
  while ((isInline && filters.length === 0) || tokens.skip('operator', '|')) {
    const name = parseDotted(tokens);
    filters.push({ name, args: tokens.isOperator('(') ? parseArguments(tokens) : NO_ARGUMENTS });
  }
  return filters;
}

function parseDotted(tokens: TokenStream): string {
  let name = tokens.expect('name').text;
  while (tokens.skip('operator', '.')) name += `.${tokens.expect('name').text}`;
  return name;
}

function parseTest(tokens: TokenStream, operand: Expression): Expression {
  const isNegated = tokens.skip('name', 'not');
  const name = parseDotted(tokens);
  let args = NO_ARGUMENTS;
  if (tokens.isOperator('(')) args = parseArguments(tokens);
  else if (beginsArgument(tokens)) {
    if (tokens.is('name', 'is')) tokens.fail('You cannot chain multiple tests with is');
    args = { positional: [parsePostfix(tokens, parsePrimary(tokens))], keywords: [] };
  }
  const test: Expression = { kind: 'test', operand, name, args };
  return isNegated ? { kind: 'not', operand: test } : test;
}

/** An argument may follow a test without parentheses: `x is divisibleby 3`. */
function beginsArgument(tokens: TokenStream): boolean {
  const { type, text } = tokens.current;
  if (type === 'name') return !['else', 'or', 'and'].includes(text);
  return type === 'string' || type === 'number' || tokens.isOperator('[', '{');
}
