import { Template } from '@huggingface/jinja';
import test from 'ava';
import { honourStripArguments, STRIP_FUNCTIONS } from '../../../../engine/text/python-strip.ts';

function render(source: string, variables: Record<string, unknown> = {}): string {
  const template = new Template(source);
  honourStripArguments(template.parsed);
  return template.render({ ...STRIP_FUNCTIONS, ...variables });
}

test('only the given characters are stripped, from the given end', (t) => {
  const variables = { x: '\n\n  a\nb  \n\n' };
  t.is(render("{{ x.strip('\\n') }}", variables), '  a\nb  ');
  t.is(render("{{ x.lstrip('\\n') }}", variables), '  a\nb  \n\n');
  t.is(render("{{ x.rstrip('\\n') }}", variables), '\n\n  a\nb  ');
});

test('several characters are a set, as in Python', (t) => {
  t.is(render("{{ 'xy</answer>'.strip('</answer>') }}"), 'xy');
  t.is(render("{{ 'abcba'.lstrip('ab') }}|{{ 'abcba'.rstrip('ab') }}"), 'cba|abc');
});

test('characters beyond 16 bits are stripped whole', (t) => {
  // 😁 and 😀 share their first UTF-16 unit.
  t.is(render("{{ '😀😁😀'.strip('😀') }}"), '😁');
});

test('all characters may be stripped, or none', (t) => {
  t.is(render("[{{ 'aaa'.strip('a') }}{{ ''.strip('a') }}]"), '[]');
  t.is(render("{{ ' a '.strip('') }}"), ' a ');
});

test('without an argument white space is stripped', (t) => {
  t.is(render("[{{ '\\n a '.strip() }}][{{ ' a '.lstrip() }}][{{ ' a '.rstrip() }}]"), '[a][a ][ a]');
});

test('calls are found in every place of an expression', (t) => {
  const source = [
    "{%- set a = x.split('|')[-1].lstrip('\\n').rstrip('\\n') -%}",
    "{%- for b in [x.strip('\\n')] if b.strip('\\n') -%}{{ {'k': b.strip('\\n')}['k'] + a }}{%- endfor -%}",
    "{%- macro m(c) -%}{{ c.strip('\\n') ~ '!' }}{%- endmacro -%}",
    "{{ m(x.strip('\\n')) if x.strip('\\n') else '' }}",
  ].join('');
  t.is(render(source, { x: '\n |\n y \n' }), ' |\n y  y  |\n y !');
});

test("a template's own names are not changed", (t) => {
  t.is(
    render("{% set strip = 'variable' %}{{ strip }} {{ ' a ' | trim }} {{ o.strip }}", { o: { strip: 7 } }),
    'variable a 7',
  );
});

test('stripping a value that is not a string is an error', (t) => {
  const message = /^lstrip\(\) takes a string of characters to strip from a string$/;
  t.throws(() => render("{{ x.lstrip('a') }}", { x: null }), { message });
  t.throws(() => render('{{ x.lstrip(1) }}', { x: 'a' }), { message });
});
