import test from 'ava';
import fc from 'fast-check';
import { duplicateKey } from '../../../../engine/checkpoint/json-keys.ts';
import { codePoint } from '../../../support/properties/code-points.ts';

const DUPLICATES: [string, string, string][] = [
  ['of the whole', '{"a":1,"b":2,"a":3}', 'a'],
  ['of an object in an object', '{"x":{"b":1,"b":2}}', 'b'],
  ['of an object in an array', '[1,{"c":1,"d":[],"c":2}]', 'c'],
  ['after an object in between', '{"a":{"b":1},"a":2}', 'a'],
  ['after an array in between', '{"a":[{"a":1},[]],"a":2}', 'a'],
  ['that is empty', '{"":1,"":2}', ''],
  ['written with an escape', '{"a":1,"\\u0061":2}', 'a'],
  ['with a quote in it', '{"a\\"b":1,"a\\"b":2}', 'a"b'],
  ['that ends with a backslash', '{"a\\\\":1,"a\\\\":2}', 'a\\'],
  ['with space before the colon', '{"a" :1, "a"\t\r\n : 2}', 'a'],
  ['called __proto__', '{"__proto__":1,"__proto__":2}', '__proto__'],
  ['the first one of two', '{"a":1,"b":1,"b":2,"a":2}', 'b'],
];
for (const [what, text, key] of DUPLICATES) {
  test(`found: a key ${what}`, (t) => {
    t.notThrows(() => JSON.parse(text));
    t.is(duplicateKey(text), key);
  });
}

const UNIQUE: [string, string][] = [
  ['the same key in two objects', '{"a":{"a":1},"b":{"a":1}}'],
  ['the same key in two elements of an array', '[{"a":1},{"a":2}]'],
  ['a value like its key', '{"a":"a","b":"a"}'],
  ['the same string twice in an array', '["a","a",":"]'],
  ['brackets and quotes in strings', '{"a":"{\\"a\\":1,[","b":"}]","{":1}'],
  ['a colon in a value', '{"a":"b\\":","b":": "}'],
  ['keys that differ in case', '{"a":1,"A":2}'],
  ['a string alone', '"a"'],
  ['a string alone with space after it', '"a" \n'],
  ['numbers and literals', '[1,-2.5e+3,true,false,null,{}]'],
];
for (const [what, text] of UNIQUE) {
  test(`accepted: ${what}`, (t) => {
    t.notThrows(() => JSON.parse(text));
    t.is(duplicateKey(text), undefined);
  });
}

const indented = fc.constantFrom(undefined, 1, '\t');

test('a text that was made from an object has no key twice', (t) => {
  fc.assert(
    fc.property(fc.jsonValue(), indented, (value, space) => {
      const key = duplicateKey(JSON.stringify(value, null, space));
      if (key !== undefined) throw new Error(`"${key}" was found twice`);
    }),
    { seed: 20261122, numRuns: 80 },
  );
  t.pass();
});

test('a duplicate key is found, whatever stands between the two', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: codePoint }), fc.jsonValue(), indented, (key, value, space) => {
      const again = JSON.stringify(key);
      const found = duplicateKey(`{${again}: ${JSON.stringify(value, null, space)}, ${again}: 0}`);
      if (found !== JSON.parse(again)) throw new Error(`found ${JSON.stringify(found)}`);
    }),
    { seed: 20261122, numRuns: 80 },
  );
  t.pass();
});
