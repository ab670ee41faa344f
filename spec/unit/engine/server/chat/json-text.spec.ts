import test from 'ava';
import fc from 'fast-check';
import { membersOf, parseJsonObject, pythonJson } from '../../../../../engine/server/chat/json-text.ts';

test('the members of an object come with their values as they are spelt', (t) => {
  const json = ' {"a" : 12345678901234567890 ,"b":{"c":[1.0, {"d":":,}"}]},"\\u0061": "x\\"y" , "e":null}\n';
  t.deepEqual(membersOf(json), [
    ['a', '12345678901234567890'],
    ['b', '{"c":[1.0, {"d":":,}"}]}'],
    ['a', '"x\\"y"'],
    ['e', 'null'],
  ]);
  t.deepEqual(membersOf('{}'), []);
});

test('the members of any object, parsed, are those of the object parsed', (t) => {
  t.notThrows(() =>
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.constantFrom(undefined, 1, '\t'),
        (value, indent) => {
          const json = JSON.stringify(value, null, indent);
          const members = membersOf(json).map(([key, valueJson]) => `${JSON.stringify(key)}:${valueJson}`);
          return JSON.stringify(JSON.parse(`{${members}}`)) === JSON.stringify(value);
        },
      ),
      { seed: 1, numRuns: 200 },
    ),
  );
});

test("JSON is written with Python's spaces and escapes, and with numbers as they are spelt", (t) => {
  t.is(
    pythonJson('{"a":[1.0,1e5,9007199254740993] , "b" :"\\u00e9\\/\\n中","\\"":{ },"c":[\ntrue,null ]}'),
    '{"a": [1.0, 1e5, 9007199254740993], "b": "é/\\n中", "\\"": {}, "c": [true, null]}',
  );
});

test('a text is a JSON object or undefined', (t) => {
  t.deepEqual(parseJsonObject(' {"a":1}'), { a: 1 });
  for (const json of ['', '[]', 'null', '1', '{"a":1', '{"a":1}x'])
    t.is(parseJsonObject(json), undefined, json);
});
