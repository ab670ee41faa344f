import { getAttribute, getItem, getSlice } from './access.ts';
import { arithmetic, joinText, signed } from './arithmetic.ts';
import type { Arguments, Expression } from './ast.ts';
import { hold, spend } from './budget.ts';
import { compare } from './comparison.ts';
import { TemplateFailure } from './failure.ts';
import { callFilter, callTest } from './filters.ts';
import { str } from './represent.ts';
import type { Scope } from './scope.ts';
import {
  Callable,
  Dict,
  iterate,
  type Keywords,
  Tuple,
  truthy,
  typeName,
  Undefined,
  type Value,
} from './values.ts';

/** The value of an expression. @throws TemplateFailure where Python raises an exception. */
export function evaluate(expression: Expression, scope: Scope): Value {
  spend();
  const inner = (part: Expression) => evaluate(part, scope);
  switch (expression.kind) {
    case 'constant':
      return expression.value;
    case 'name':
      return scope.get(expression.name);
    case 'list':
      hold(expression.items.length);
      return expression.items.map(inner);
    case 'tuple':
      hold(expression.items.length);
      return new Tuple(expression.items.map(inner));
    case 'dict': {
      hold(expression.pairs.length);
      const dict = new Dict();
      for (const [key, value] of expression.pairs) dict.set(inner(key), inner(value));
      return dict;
    }
    case 'attribute':
      return getAttribute(inner(expression.object), expression.name);
    case 'item':
      return getItem(inner(expression.object), inner(expression.key));
    case 'slice': {
      const object = inner(expression.object);
      const [start, stop, step] = [0, 1, 2].map((i) => {
        const bound = expression.bounds[i];
        return bound === undefined ? null : inner(bound);
      });
      return getSlice(object, start, stop, step);
    }
    case 'call':
      return callValue(inner(expression.callee), evaluateArguments(expression.args, scope));
    case 'filter': {
      const operand = inner(expression.operand);
      return callFilter(expression.name, operand, ...evaluateArguments(expression.args, scope));
    }
    case 'test': {
      const operand = inner(expression.operand);
      return callTest(expression.name, operand, ...evaluateArguments(expression.args, scope));
    }
    case 'not':
      return !truthy(inner(expression.operand));
    case 'signed':
      return signed(expression.operator, inner(expression.operand));
    case 'arithmetic':
      return arithmetic(expression.operator, inner(expression.left), inner(expression.right));
    case 'and': {
      const left = inner(expression.left);
      return truthy(left) ? inner(expression.right) : left;
    }
    case 'or': {
      const left = inner(expression.left);
      return truthy(left) ? left : inner(expression.right);
    }
    case 'concat':
      return expression.parts.reduce((text, part) => joinText(text, str(inner(part))), '');
    case 'compare':
      return chain(expression, scope);
    case 'condition': {
      if (truthy(inner(expression.test))) return inner(expression.whenTrue);
      if (expression.otherwise) return inner(expression.otherwise);
      return new Undefined('the inline if-expression evaluated to false and no else section was defined.');
    }
  }
}

/** `a < b < c` compares neighbours, and ends with the first that fails. */
function chain({ first, rest }: Extract<Expression, { kind: 'compare' }>, scope: Scope): boolean {
  let left = evaluate(first, scope);
  for (const [operator, operand] of rest) {
    const right = evaluate(operand, scope);
    if (!compare(operator, left, right)) return false;
    left = right;
  }
  return true;
}

/** @throws TemplateFailure if the value cannot be called, or refuses the arguments. */
export function callValue(callee: Value, [positional, keywords]: [readonly Value[], Keywords]): Value {
  if (callee instanceof Undefined) callee.fail();
  if (callee instanceof Callable) return callee.call(positional, keywords);
  throw new TemplateFailure(`'${typeName(callee)}' object is not callable`);
}

export function evaluateArguments(args: Arguments, scope: Scope): [Value[], Map<string, Value>] {
  const positional = args.positional.map((argument) => evaluate(argument, scope));
  const keywords = new Map<string, Value>();
  const add = (name: string, value: Value) => {
    if (keywords.has(name)) throw new TemplateFailure(`got multiple values for keyword argument '${name}'`);
    keywords.set(name, value);
  };
  if (args.spread) positional.push(...iterate(evaluate(args.spread, scope)));
  for (const [name, value] of args.keywords) add(name, evaluate(value, scope));
  if (args.keywordSpread) {
    const spread = evaluate(args.keywordSpread, scope);
    if (!(spread instanceof Dict)) {
      throw new TemplateFailure(`argument after ** must be a mapping, not ${typeName(spread)}`);
    }
    for (const [name, value] of spread.entries()) add(str(name), value);
  }
  return [positional, keywords];
}
