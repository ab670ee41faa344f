import { readFileSync } from 'node:fs';
import test from 'ava';
import { BudgetExceeded } from '../../../../../engine/text/jinja/failure.ts';
import { parseJson } from '../../../../../engine/text/jinja/parse-json.ts';
import { Template } from '../../../../../engine/text/jinja/template.ts';

/** What record.py wrote: templates with what jinja2 renders, or the error that it raises. */
interface Recorded {
  readonly variables: string;
  readonly cases: readonly (readonly [template: string, expected: string | { readonly error: string }])[];
}

const recorded: Recorded = JSON.parse(readFileSync(new URL('jinja2.json', import.meta.url), 'utf8'));

function render(template: string, variables: unknown): string {
  try {
    return new Template(template).render(variables as Record<string, unknown>);
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
}

/** What errors say, by template, where that is not what Python says. Written by hand, not by record.py. */
const ownMessages: Readonly<Record<string, string>> = JSON.parse(
  readFileSync(new URL('own-messages.json', import.meta.url), 'utf8'),
);

function expectedOf([template, expected]: Recorded['cases'][number]): string {
  if (typeof expected === 'string') return expected;
  // Without the name of Python's exception.
  return `TemplateFailure: ${ownMessages[template] ?? expected.error.replace(/^\w+: /, '')}`;
}

test('filters, tests, operators, methods and statements give what jinja2 gives in Python', (t) => {
  t.true(recorded.cases.length > 3000);
  const variables = parseJson(recorded.variables);
  const wrong = recorded.cases
    .map((each) => ({ template: each[0], expected: expectedOf(each), got: render(each[0], variables) }))
    .filter(({ expected, got }) => got !== expected);
  t.deepEqual(wrong, []);
});

test('what jinja2 has and this engine does not imitate is refused by name', (t) => {
  const refused: [template: string, named: string][] = [
    ['{{ x | pprint }}', 'the filter pprint'],
    ['{{ [1] | random }}', 'the filter random'],
    ["{{ 'x'.encode('utf8') }}", 'str.encode'],
    ["{{ '%e' % 1.5 }}", '%e in a format'],
    ["{{ '{:g}'.format(1.5) }}", 'g in a format'],
    ['{{ {(1, 2): 3} }}', 'a tuple as a key'],
    ['{{ (x | safe) | upper }}', 'the filter upper of a value marked as safe'],
    ['{{ cycler(1, 2) }}', 'cycler'],
    ["{{ '\\N{BULLET}' }}", 'a character by its name (\\N{…})'],
    ["{{ strftime_now('%U') }}", 'strftime_now: %U'],
    ['{{ range }}', 'a function as text'],
    ['{{ (-8) ** 0.5 }}', 'a power that is a complex number'],
    ['{{ range(5)[1:3] }}', 'a slice of a range'],
    ['{{ {}.keys() < {}.items() }}', '< of keys or items of dicts'],
    ["{{ '五'.isnumeric() }}", 'isnumeric() of Chinese characters'],
    ['{{ self }}', 'self'],
    ['{{ self is defined }}', 'self'],
    ['{{ true.real }}', 'bool.real'],
    ["{{ true['numerator'] }}", 'bool.numerator'],
    ['{{ range(3).start }}', 'range.start'],
    ['{{ {}.keys().mapping }}', 'dict_keys.mapping'],
    ["{{ ([1] | map('string')).send }}", 'generator.send'],
    ['{{ (x | safe).upper() }}', 'Markup.upper'],
    ['{{ (x | safe)[0] }}', 'a character of a value marked as safe'],
    ['{{ x.upper == x.upper }}', 'a comparison of functions called upper'],
  ];
  for (const [template, named] of refused) {
    t.is(render(template, { x: 'a' }), `TemplateFailure: ${named} is not supported by this engine`);
  }
  for (const [template, named] of [
    ['{% include "x" %}', 'the statement include'],
    ['{% for a in x recursive %}{% endfor %}', 'a recursive loop'],
  ]) {
    t.is(render(`\n${template}`, {}), `TemplateFailure: ${named} is not supported by this engine (line 2)`);
  }
});

test('the date is written as by strftime in the C locale', (t) => {
  const now = new Date();
  const pad = (value: number, width = 2) => String(value).padStart(width, '0');
  const date = `${now.getFullYear()}-${pad(now.getMonth() + 1)}-${pad(now.getDate())}`;
  const month = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
  const words = `${pad(now.getDate())} ${month[now.getMonth()]} ${now.getFullYear()} ${now.getDate()} 100%`;
  t.is(
    render("{{ strftime_now('%Y-%m-%d') }} {{ strftime_now('%d %b %Y %-d 100%%') }}", {}),
    `${date} ${words}`,
  );
});

test('a value from JavaScript is what it is in JSON; what JSON cannot say is refused', (t) => {
  t.is(
    render('{{ v }}', { v: { a: 1, b: 1.5, c: [null, 2], d: undefined } }),
    "{'a': 1, 'b': 1.5, 'c': [None, 2]}",
  );
  t.is(
    render('{{ v }}', { v: () => 1 }),
    'TemplateFailure: cannot use a value of the type function; expected what JSON can say',
  );
});

test('a template that loops without end or fills the memory is stopped where its budget ends', (t) => {
  const limits = { steps: 20_000, memory: 2_000 };
  const long = 'it takes more than 20000 steps; expected a loop that ends sooner';
  const full = 'it fills more than 1 MB of memory';
  const large = 'it makes a text of more than 134217728 characters';
  const endless: [template: string, reason: string][] = [
    ['{% for a in r %}{% for b in r %}{% for c in r %}{% endfor %}{% endfor %}{% endfor %}', long],
    ['{% set n = namespace(x=[0]) %}{% for i in r %}{% set n.x = n.x + n.x %}{% endfor %}', full],
    ['{% set n = namespace(x=[]) %}{% for i in r %}{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x }}', full],
    ["{% set n = namespace(x='a') %}{% for i in r %}{% set n.x = n.x ~ n.x %}{% endfor %}", large],
    ["{% for i in r %}{% if 'y' in 'x' * 9999 %}{% endif %}{% endfor %}", full],
    ["{% for i in r %}{{ 'ab ab'.replace('a', 'b' * 999) }}{% endfor %}", full],
    ["{{ '%99999999999d' % 1 }}", large],
    ["{{ '{:99999999999}'.format(1) }}", large],
    ["{{ 'a'.center(99999999999) }}", large],
    ['{{ [1] | batch(99999999999, 1) | list }}', long],
    ['{{ [[1, 2, 3] * 900] | string | length }}', full],
    ['{{ r | list | sort | map("string") | join }}', full],
  ];
  for (const [template, reason] of endless) {
    t.throws(
      () => new Template(template).render({ r: new Array(999).fill(0) }, limits),
      { instanceOf: BudgetExceeded, message: reason },
      template,
    );
  }
  t.is(new Template('{{ 2 ** 64 }}').render({}, limits), '18446744073709551616');
  t.is(render('{{ 2 ** 99999999 }}', {}), 'TemplateFailure: an int of more than 1048576 bits is too large');
});
