import { readFileSync } from 'node:fs';
import test from 'ava';
import { TemplateFailure } from '../../../../../engine/text/jinja/failure.ts';
import { Template } from '../../../../../engine/text/jinja/template.ts';

/** What kinds.py wrote. */
interface Recorded {
  readonly provenance: { readonly jinja2: string; readonly python: string };
  /** Expressions in which {} is the value. */
  readonly forms: readonly string[];
  /** After the forms, each with every value on its right. */
  readonly operators: readonly string[];
  /** For each value what the expressions give, with tabs between: = and the text, or ! for an error. */
  readonly rows: readonly (readonly [value: string, results: string])[];
}

const recorded: Recorded = JSON.parse(readFileSync(new URL('kinds.json', import.meta.url), 'utf8'));
const { forms, operators, rows, provenance } = recorded;
const variables = "{% set inf = 'inf' | float %}{% set nan = 'nan' | float %}";

function render(expression: string): string | TemplateFailure {
  try {
    return new Template(`${variables}{{ ${expression} }}`).render({});
  } catch (error) {
    if (error instanceof TemplateFailure) return error;
    throw new Error(`${expression}: ${error}`, { cause: error });
  }
}

for (const [value, results] of rows) {
  test(`what is made of ${value} is what jinja2 ${provenance.jinja2} makes of it, or is refused`, (t) => {
    const expressions = [
      ...forms.map((form) => form.replace('{}', () => value)),
      ...operators.flatMap((operator) => rows.map(([other]) => `${value} ${operator} ${other}`)),
    ];
    const expected = results.split('\t');
    t.is(expressions.length, expected.length);
    const wrong = expressions.flatMap((expression, i) => {
      const got = render(expression);
      return typeof got === 'string' && `=${got}` !== expected[i]
        ? [{ expression, got, expected: expected[i] }]
        : [];
    });
    t.deepEqual(wrong, []);
  });
}
