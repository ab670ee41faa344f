import { unsupported } from './failure.ts';
import { GLOBALS } from './globals.ts';
import { Undefined, type Value } from './values.ts';

/** Names with their values; a loop, a macro and `with` have one of their own. */
export class Scope {
  readonly #values = new Map<string, Value>();
  readonly #outer: Scope | undefined;

  constructor(outer?: Scope) {
    this.#outer = outer;
  }

  set(name: string, value: Value): void {
    this.#values.set(name, value);
  }

  /** @throws TemplateFailure for a name that jinja2 knows and this engine does not. */
  get(name: string): Value {
    let scope: Scope | undefined = this;
    while (scope) {
      const value = scope.#values.get(name);
      if (value !== undefined) return value;
      scope = scope.#outer;
    }
    // The template itself, with its blocks.
    if (name === 'self') unsupported('self');
    return GLOBALS.get(name) ?? new Undefined(`'${name}' is undefined`);
  }
}
