import { isDeepStrictEqual } from 'node:util';
import test from 'ava';
import fc from 'fast-check';
import { parseJson, plainJson } from '../../../../../engine/text/jinja/parse-json.ts';
import { Template } from '../../../../../engine/text/jinja/template.ts';

const SEED = 20261130;
const written = (value: unknown) => new Template('{{ v | tojson }}').render({ v: value });

test('numbers and the order of keys are read as they are written', (t) => {
  const text =
    '{"a": 1, "b": 1.0, "c": 1e2, "d": 9223372036854775807, "e": -0, "f": -0.0, "g": {"10": 1, "9": [{"1": 2}], "x": "\\"3\\": 4"}}';
  t.is(
    written(parseJson(text)),
    '{"a": 1, "b": 1.0, "c": 100.0, "d": 9223372036854775807, "e": 0, "f": -0.0, "g": {"10": 1, "9": [{"1": 2}], "x": "\\"3\\": 4"}}',
  );
  t.throws(() => parseJson('{"1": }'), { instanceOf: SyntaxError });
});

test('a number is an int of Python unless it has a point or an exponent', (t) => {
  for (const [text, python] of [
    ['100', '100'],
    ['-7', '-7'],
    ['0', '0'],
    ['100.0', '100.0'],
    ['1e2', '100.0'],
    ['1E2', '100.0'],
    ['-1E+2', '-100.0'],
    ['25E-1', '2.5'],
    ['1.5E3', '1500.0'],
    ['0E0', '0.0'],
    ['-0E5', '-0.0'],
    ['1e30', '1e+30'],
    ['1E30', '1e+30'],
    ['-2.5E20', '-2.5e+20'],
    ['9007199254740991', '9007199254740991'],
    ['9007199254740993', '9007199254740993'],
    ['-9007199254740993', '-9007199254740993'],
    ['9007199254740993.0', '9007199254740992.0'],
    ['1000000000000000000000000000000', '1000000000000000000000000000000'],
  ]) {
    t.is(written(parseJson(text)), python, text);
    t.is(written(parseJson(`{"7": [${text}]}`)), `{"7": [${python}]}`, `${text} beside a key of digits`);
  }
});

test('keys of digits keep their place, also with white space before the colon or written as escapes', (t) => {
  for (const [text, keys] of [
    ['{"b": 0, "10": 0, "9": 0}', 'b 10 9'],
    ['{"b": 0, "10" : 0, "9"\n:0}', 'b 10 9'],
    ['{"b": 0, "\\u0031\\u0030": 0, "\\u0039": 0}', 'b 10 9'],
    ['{"b": 0, "1\\u0030": 0, "9": 0}', 'b 10 9'],
    ['{"b": 0, "01": 0, "0": 0}', 'b 01 0'],
    ['{" 2": 0, "b": 0, "1": 0}', ' 2 b 1'],
    ['{"b": "\\": 1", "2": {}}', 'b 2'],
  ]) {
    t.is(new Template("{{ v | join(' ') }}").render({ v: parseJson(text) }), keys, text);
  }
});

test('a value whose numbers were kept is turned into what JSON.parse gives', (t) => {
  const texts = [
    '{"a": 1, "b": 1.0, "c": [1e2, 9223372036854775807, -0, -0.0, null], "x": {"10": 1.0, "9": [{"1": 2.0}]}}',
    '{"__proto__": {"1": 5.0}}',
    ...['12345678901234567890', '1.0', 'true', '"1"', '[]', '-0'],
  ];
  for (const text of texts) t.deepEqual(plainJson(parseJson(text)), JSON.parse(text), text);
});

test('any JSON, its numbers in any spelling, has the value that JSON.parse gives', (t) => {
  const digits = fc.stringMatching(/^\d{1,20}$/);
  const number = fc.stringMatching(/^-?(0|[1-9]\d{0,19})(\.\d{1,3})?([eE][+-]?\d{1,2})?$/);
  const text = fc.oneof(fc.string(), digits, fc.constantFrom('"', '\\', '"1": ', '__proto__', ' 1'));
  // V8 may give a key with escapes another name, once it has read one like it (nodejs/node#63785).
  const key = text.filter((name) => JSON.stringify(name) === `"${name}"`);
  const { json } = fc.letrec<{ json: string }>((tie) => ({
    json: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      number,
      text.map((any) => JSON.stringify(any)),
      fc.constantFrom('null', 'true', 'false'),
      fc.array(tie('json'), { maxLength: 3 }).map((items) => `[${items}]`),
      fc
        .array(fc.tuple(key, tie('json')), { maxLength: 3 })
        .map((pairs) => `{${pairs.map(([name, value]) => `${JSON.stringify(name)} :${value}`)}}`),
    ),
  }));
  t.notThrows(() =>
    fc.assert(
      fc.property(json, (source) => {
        const got = plainJson(parseJson(source));
        if (isDeepStrictEqual(got, JSON.parse(source))) return;
        throw new Error(`${source} was read as ${JSON.stringify(got)}`);
      }),
      { seed: SEED, numRuns: 500 },
    ),
  );
});
