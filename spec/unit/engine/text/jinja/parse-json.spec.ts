import { isDeepStrictEqual } from 'node:util';
import test from 'ava';
import fc from 'fast-check';
import { JsonNestingError, parseJson, plainJson } from '../../../../../engine/text/jinja/parse-json.ts';
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

test('white space may stand around everything, and brackets may hold nothing', (t) => {
  const text = '\t{ "a" : [ 1 , [ ] ,\r\n{ } , null,true , false , "" ] , "b" : -0.5 }\n';
  t.deepEqual(parseJson(text), { a: [1, [], {}, null, true, false, ''], b: -0.5 });
  for (const scalar of ['"a\\\\"', 'null', '7', ' true ']) t.is(parseJson(scalar), JSON.parse(scalar));
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
  // The value stands beside its JSON: JSON.parse is wrong about some keys (nodejs/node#63785).
  const { json } = fc.letrec<{ json: { source: string; value: unknown } }>((tie) => ({
    json: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      number.map((source) => ({ source, value: Number(source) })),
      fc.oneof(text, fc.constantFrom(null, true, false)).map((value) => ({
        source: JSON.stringify(value),
        value,
      })),
      fc.array(tie('json'), { maxLength: 3 }).map((items) => ({
        source: `[${items.map(({ source }) => source)}]`,
        value: items.map(({ value }) => value),
      })),
      fc.array(fc.tuple(text, tie('json')), { maxLength: 3 }).map((pairs) => ({
        source: `{${pairs.map(([name, { source }]) => `${JSON.stringify(name)} :${source}`)}}`,
        value: Object.fromEntries(pairs.map(([name, { value }]) => [name, value])),
      })),
    ),
  }));
  t.notThrows(() =>
    fc.assert(
      fc.property(json, ({ source, value }) => {
        const got = plainJson(parseJson(source));
        if (isDeepStrictEqual(got, value)) return;
        throw new Error(`${source} was read as ${JSON.stringify(got)}`);
      }),
      { seed: SEED, numRuns: 500 },
    ),
  );
});

test('a key with an escape keeps its name, whatever V8 has read before (nodejs/node#63785)', (t) => {
  for (const [before, text, keys] of [
    ['{"h":[],"\\\\":0}', '{"h":1,"\\"":2}', ['h', '"']],
    ['{"i":1,"\\\\":0}', '[{"i":1,"\\u0041":2}]', ['i', 'A']],
    ['{"j":[],"x\\\\":0}', '{"j":1,"x\\n":2}', ['j', 'x\n']],
    ['{"k":[],"\\\\":0}', '{"k":1,"\\"":2,"10":3}', ['k', '"', '10']],
  ] as const) {
    JSON.parse(before);
    const [object] = [parseJson(text)].flat() as [object];
    t.deepEqual(object instanceof Map ? [...object.keys()] : Object.keys(object), keys, text);
  }
});

test('what is nested too deeply is refused as that, at the same level everywhere', (t) => {
  const lists = (levels: number) => `${'[ '.repeat(levels)}${']'.repeat(levels)}`;
  const objects = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;
  for (const text of [lists(500), objects(500), `[${lists(499)}, ${objects(499)}]`]) {
    t.is(JSON.stringify(plainJson(parseJson(text))), text.replaceAll(' ', ''));
  }
  for (const text of [lists(501), objects(501), `[1, ${lists(500)}]`, lists(8000), objects(1e6)]) {
    t.throws(() => parseJson(text), { instanceOf: JsonNestingError, message: 'it is nested too deeply' });
  }
  t.throws(() => parseJson('['.repeat(1e6)), { instanceOf: SyntaxError, message: /end of JSON input/ });
});
