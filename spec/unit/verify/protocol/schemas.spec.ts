import { readdirSync } from 'node:fs';
import test from 'ava';
import { ANSWER_TYPES } from '../../../../verify/protocol/messages.ts';
import {
  ANSWER_SCHEMAS,
  type MessageType,
  problemsOf,
  REQUEST_SCHEMAS,
  SCHEMAS,
} from '../../../../verify/protocol/schemas.ts';

const TYPES = Object.keys(SCHEMAS) as MessageType[];
const FOLDER = new URL('../../../../verify/protocol/v1/', import.meta.url);

/** All schemas within a schema, with their paths. */
function partsOf(path: string, schema: unknown): [string, Record<string, unknown>][] {
  if (typeof schema !== 'object' || schema === null) return [];
  const { properties = {}, $defs = {}, items, anyOf = [] } = schema as Record<string, object | undefined>;
  const named = [...Object.entries(properties), ...Object.entries($defs), ...Object.entries(anyOf)];
  return [
    [path, schema as Record<string, unknown>],
    ...named.flatMap(([name, part]) => partsOf(`${path}.${name}`, part)),
    ...partsOf(`${path}[]`, items),
  ];
}

test('every file of v1/ is the schema of one message', (t) => {
  const files = TYPES.map((type) => `${type.replace('Chat', '-chat')}.schema.json`);
  t.deepEqual(readdirSync(FOLDER).sort(), files.sort());
  for (const type of TYPES) {
    t.is(SCHEMAS[type].title, type);
    t.is(SCHEMAS[type].$id, `urn:plumbline:protocol:v1:${type}`);
    t.is(SCHEMAS[type].$schema, 'https://json-schema.org/draft/2020-12/schema');
  }
  t.deepEqual(Object.keys(REQUEST_SCHEMAS), [...Object.keys(ANSWER_TYPES), 'stop']);
  t.true(Object.values(ANSWER_TYPES).every((type) => type in ANSWER_SCHEMAS));
});

test('every field is described', (t) => {
  const silent = TYPES.flatMap((type) => partsOf(type, SCHEMAS[type]))
    .filter(([, part]) => !('description' in part) && !('$ref' in part) && 'type' in part)
    .map(([path]) => path)
    .filter((path) => !path.endsWith('[]'));
  t.deepEqual(silent, []);
});

test('every example is as its schema says', (t) => {
  for (const type of TYPES) {
    for (const example of SCHEMAS[type].examples) t.deepEqual(problemsOf(type, example), [], type);
  }
});

test('definitions that two schemas have are the same in both', (t) => {
  t.deepEqual(ANSWER_SCHEMAS.generated.$defs, ANSWER_SCHEMAS.forwarded.$defs);
});

test('a message without a field that is required, or with one that is not known, is refused by its path', (t) => {
  for (const type of TYPES) {
    const [example] = SCHEMAS[type].examples as Record<string, unknown>[];
    t.deepEqual(problemsOf(type, { ...example, extra: 1 }), ['Unrecognized key: "extra"'], type);
    for (const name of SCHEMAS[type].required) {
      const { [name]: _, ...less } = example;
      const [problem] = problemsOf(type, less);
      t.true(problem?.startsWith(`${name}: `), `${type} without ${name}: ${problem}`);
    }
  }
});

test('a value of the wrong kind is refused, and of alternatives the nearest is described', (t) => {
  const [started] = ANSWER_SCHEMAS.started.examples;
  const able = (capabilities: object) => problemsOf('started', { ...started, capabilities });
  t.regex(able({ scores: 'some' })[0], /^capabilities\.scores: /);
  t.regex(able({ scores: 'all', maxConcurrency: 0 })[0], /^capabilities\.maxConcurrency: .*>=1/);
  t.regex(able({ scores: 'all', maxConcurrency: 1.5 })[0], /^capabilities\.maxConcurrency: .*int/);
  t.regex(able({ scores: 'all', precision: 'fp8' })[0], /^capabilities\.precision: /);
  t.regex(problemsOf('generated', { type: 'generated', id: 'r1', tokens: [-1] })[0], /^tokens\.0: .*>=0/);
  t.regex(problemsOf('skipped', { type: 'skipped', id: 'r1', reason: '' })[0], /^reason: /);
  const values = { dtype: 'f32', shape: [1] };
  t.deepEqual(problemsOf('forwarded', { type: 'forwarded', id: 'r1', scores: { values } }), [
    'scores.values.base64: Invalid input: expected string, received undefined',
  ]);
  const both = { dtype: 'f32', shape: [1], base64: 'AAAAAA==', file: 'a.npy' };
  t.is(problemsOf('forwarded', { type: 'forwarded', id: 'r1', scores: { values: both } }).length, 1);
  for (const wrong of [[], null, 7, 'started']) t.is(problemsOf('started', wrong).length, 1);
});
