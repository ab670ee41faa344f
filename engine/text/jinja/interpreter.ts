import { joinText } from './arithmetic.ts';
import type { Body, FilterCall, Parameters, Statement, Target } from './ast.ts';
import { hold, spend } from './budget.ts';
import { callValue, evaluate, evaluateArguments } from './evaluate.ts';
import { TemplateFailure } from './failure.ts';
import { callFilter } from './filters.ts';
import { LoopState } from './loop.ts';
import { mentions } from './mentions.ts';
import { str } from './represent.ts';
import { Scope } from './scope.ts';
import {
  Callable,
  Dict,
  iterate,
  type Keywords,
  Namespace,
  Tuple,
  truthy,
  Undefined,
  unpack,
  type Value,
} from './values.ts';

/** What a statement does to the loop around it. */
type Signal = 'break' | 'continue' | undefined;

/** Runs a template's statements and collects what they write. */
export class Interpreter {
  #text = '';

  /** The text that a body writes. @throws TemplateFailure where Python raises an exception. */
  render(body: Body, scope: Scope): string {
    return this.#capture(body, scope).text;
  }

  /** What a body writes, and what it does to the loop around it. */
  #capture(body: Body, scope: Scope): { text: string; signal: Signal } {
    const outer = this.#text;
    this.#text = '';
    const signal = this.#run(body, scope);
    const text = this.#text;
    this.#text = outer;
    return { text, signal };
  }

  #write(text: string): void {
    this.#text = joinText(this.#text, text);
  }

  #run(body: Body, scope: Scope): Signal {
    for (const statement of body) {
      const signal = this.#statement(statement, scope);
      if (signal) return signal;
    }
    return undefined;
  }

  #statement(statement: Statement, scope: Scope): Signal {
    spend();
    switch (statement.kind) {
      case 'text':
        this.#write(statement.text);
        return undefined;
      case 'output':
        this.#write(str(evaluate(statement.expression, scope)));
        return undefined;
      case 'if':
        return this.#if(statement, scope);
      case 'for':
        return this.#for(statement, scope);
      case 'set':
        assign(statement.target, evaluate(statement.value, scope), scope);
        return undefined;
      case 'setBlock': {
        const { text, signal } = this.#capture(statement.body, new Scope(scope));
        // A body that leaves its loop leaves its text and its filters too, as in Python.
        if (!signal) assign(statement.target, filtered(text, statement.filters, scope), scope);
        return signal;
      }
      case 'macro':
        scope.set(statement.name, this.#macro(statement, scope));
        return undefined;
      case 'callBlock':
        this.#callBlock(statement, scope);
        return undefined;
      case 'filterBlock': {
        const { text, signal } = this.#capture(statement.body, new Scope(scope));
        if (!signal) this.#write(str(filtered(text, statement.filters, scope)));
        return signal;
      }
      case 'with': {
        const inner = new Scope(scope);
        const values = statement.values.map((value) => evaluate(value, scope));
        for (const [i, target] of statement.targets.entries()) assign(target, values[i], inner);
        return this.#run(statement.body, inner);
      }
      case 'generation':
        this.#write(this.render(statement.body, new Scope(scope)));
        return undefined;
      case 'break':
      case 'continue':
        return statement.kind;
    }
  }

  #if({ branches, otherwise }: Extract<Statement, { kind: 'if' }>, scope: Scope): Signal {
    for (const [test, body] of branches) {
      if (truthy(evaluate(test, scope))) return this.#run(body, scope);
    }
    return this.#run(otherwise, scope);
  }

  #for(statement: Extract<Statement, { kind: 'for' }>, scope: Scope): Signal {
    const { target, iterable, test, body, otherwise } = statement;
    const items = iterate(evaluate(iterable, scope));
    const chosen = test === undefined ? items : filterItems(items, statement, scope);
    const loop = new LoopState(chosen);
    let isEmpty = true;
    for (let item = loop.advance(); item !== undefined; item = loop.advance()) {
      isEmpty = false;
      // Every round begins without what the last one has set.
      const inner = new Scope(scope);
      inner.set('loop', loop);
      assign(target, item, inner);
      if (this.#run(body, inner) === 'break') break;
    }
    // What stands after `else` is in the loop outside.
    return isEmpty ? this.#run(otherwise, new Scope(scope)) : undefined;
  }

  #callBlock(statement: Extract<Statement, { kind: 'callBlock' }>, scope: Scope): void {
    const { call, parameters, body } = statement;
    const [positional, keywords] = evaluateArguments(call.args, scope);
    keywords.set('caller', this.#macro({ name: null, parameters, body }, scope));
    this.#write(str(callValue(evaluate(call.callee, scope), [positional, keywords])));
  }

  /** @param name null for the body of a call block, as in jinja2. */
  #macro(
    { name: own, parameters, body }: { name: string | null; parameters: Parameters; body: Body },
    scope: Scope,
  ): Callable {
    const name = own ?? 'caller';
    const takes = mentions(body, ['varargs', 'kwargs', 'caller']);
    const call = (positional: readonly Value[], keywords: Keywords) => {
      const inner = new Scope(scope);
      bindMacro({ name, parameters, takes }, [positional, keywords], inner);
      return this.render(body, inner);
    };
    const attributes = new Map<string, Value>([
      ['name', own],
      ['arguments', new Tuple(parameters.names)],
      ['catch_kwargs', takes.has('kwargs')],
      ['catch_varargs', takes.has('varargs')],
      ['caller', takes.has('caller')],
    ]);
    return new Callable(name, call, attributes);
  }
}

function* filterItems(
  items: Iterable<Value>,
  { target, test }: Extract<Statement, { kind: 'for' }>,
  scope: Scope,
): Generator<Value, void, undefined> {
  for (const item of items) {
    const inner = new Scope(scope);
    assign(target, item, inner);
    if (truthy(evaluate(test!, inner))) yield item;
  }
}

function filtered(text: string, filters: readonly FilterCall[], scope: Scope): Value {
  return filters.reduce<Value>(
    (value, { name, args }) => callFilter(name, value, ...evaluateArguments(args, scope)),
    text,
  );
}

/** @throws TemplateFailure if the value does not have as many items as the target. */
function assign(target: Target, value: Value, scope: Scope): void {
  if (target.kind === 'name') {
    scope.set(target.name, value);
    return;
  }
  if (target.kind === 'namespace') {
    const namespace = scope.get(target.name);
    if (namespace instanceof Undefined) namespace.fail();
    if (!(namespace instanceof Namespace)) {
      throw new TemplateFailure('cannot assign attribute on non-namespace object');
    }
    namespace.attributes.set(target.attribute, value);
    return;
  }
  const items = unpack(value, target.items.length);
  for (const [i, inner] of target.items.entries()) assign(inner, items[i], scope);
}

interface MacroHead {
  readonly name: string;
  readonly parameters: Parameters;
  /** Which of `varargs`, `kwargs` and `caller` the body uses: only then are such arguments taken. */
  readonly takes: ReadonlySet<string>;
}

function bindMacro(
  macro: MacroHead,
  [positional, keywords]: [readonly Value[], Keywords],
  scope: Scope,
): void {
  const { name, parameters, takes } = macro;
  const { names, defaults } = parameters;
  hold(positional.length + keywords.size);
  const rest = new Map(keywords);
  const missing: number[] = [];
  names.forEach((parameter, i) => {
    const value = i < positional.length ? positional[i] : rest.get(parameter);
    if (i >= positional.length) rest.delete(parameter);
    else if (rest.has(parameter)) {
      throw new TemplateFailure(`macro '${name}' got multiple values for argument '${parameter}'`);
    }
    if (value === undefined) missing.push(i);
    scope.set(
      parameter,
      value === undefined ? new Undefined(`parameter '${parameter}' was not provided`) : value,
    );
  });
  for (const i of missing) {
    const fallback = defaults[i - (names.length - defaults.length)];
    if (fallback) scope.set(names[i], evaluate(fallback, scope));
  }
  if (takes.has('caller') && !names.includes('caller')) {
    scope.set('caller', rest.get('caller') ?? new Undefined('No caller defined'));
    rest.delete('caller');
  }
  if (takes.has('kwargs')) {
    const dict = new Dict();
    for (const [key, value] of rest) dict.set(key, value);
    scope.set('kwargs', dict);
  } else if (rest.size > 0) {
    const [first] = rest.keys();
    throw new TemplateFailure(`macro '${name}' takes no keyword argument '${first}'`);
  }
  if (takes.has('varargs')) scope.set('varargs', new Tuple(positional.slice(names.length)));
  else if (positional.length > names.length) {
    throw new TemplateFailure(`macro '${name}' takes not more than ${names.length} argument(s)`);
  }
}
