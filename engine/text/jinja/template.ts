import type { Body } from './ast.ts';
import { LIMITS, type Limits, withBudget } from './budget.ts';
import { TemplateFailure } from './failure.ts';
import { fromJson } from './from-json.ts';
import { Interpreter } from './interpreter.ts';
import { parse } from './parser.ts';
import { Scope } from './scope.ts';

/**
 * A chat template as HuggingFace's `apply_chat_template` runs it: jinja2's sandbox with `trim_blocks`,
 * `lstrip_blocks`, loop controls, and Python's values. What is not imitated is refused, never rendered
 * otherwise. A template is bounded in what it may do (`budget.ts`), since a model's file is not trusted.
 */
export class Template {
  readonly #body: Body;

  /** @throws TemplateFailure for a syntax error, or a statement that is not supported. */
  constructor(source: string) {
    this.#body = withoutOverflow(() => parse(source));
  }

  /**
   * @param variables by name; values as from `JSON.parse`, and as `parseJson` of this folder gives them.
   * @throws TemplateFailure if the template raises an exception; BudgetExceeded if it does too much.
   */
  render(variables: Readonly<Record<string, unknown>>, limits: Limits = LIMITS): string {
    return withoutOverflow(() =>
      withBudget(limits, () => {
        const scope = new Scope();
        for (const [name, value] of Object.entries(variables)) scope.set(name, fromJson(value));
        return new Interpreter().render(this.#body, scope);
      }),
    );
  }
}

/** Recursion without end is an error in Python, too. */
function withoutOverflow<T>(task: () => T): T {
  try {
    return task();
  } catch (error) {
    if (!(error instanceof RangeError) || !/call stack/i.test(error.message)) throw error;
    throw new TemplateFailure('maximum recursion depth exceeded');
  }
}
