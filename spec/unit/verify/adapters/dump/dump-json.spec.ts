import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { casesJson } from '../../../../../golden/dump-layout.ts';
import {
  checkCasesFile,
  readDumpAnswer,
  readDumpEngine,
} from '../../../../../verify/adapters/dump/dump-json.ts';
import { SubjectError } from '../../../../../verify/errors.ts';
import { DUMP_CASES } from '../../../../support/adapters/write-dump.ts';
import { temporaryFolder } from '../../../../support/processes/cleanup.ts';

const [one] = DUMP_CASES.cases;

test('tokens or an error are read, and the ids of the prompt', (t) => {
  const path = join(temporaryFolder(t), 'one.json');
  for (const answer of [{ tokens: [3] }, { error: 'too long' }, { tokens: [0], promptIds: [0, 2] }]) {
    writeFileSync(path, JSON.stringify(answer));
    t.deepEqual(readDumpAnswer(path, one), answer);
  }
});

test('an answer of another form is refused with its path', (t) => {
  const path = join(temporaryFolder(t), 'one.json');
  for (const [text, message] of [
    ['{"tokens": [3, 4]}', `${path}: 2 tokens; expected 1`],
    ['{"tokens": [3.5]}', /one\.json: tokens\.0: /],
    ['{"tokens": [3], "error": "too long"}', `${path}: expected either "tokens" or "error"`],
    ['{"promptIds": [3]}', `${path}: expected either "tokens" or "error"`],
    ['{"token": [3]}', /one\.json: Unrecognized key: "token"/],
    ['[3]', /one\.json: Invalid input: expected object, received array/],
    ['tokens: 3', /cannot read .*one\.json as JSON: Unexpected token/],
  ] as const) {
    writeFileSync(path, text);
    t.throws(() => readDumpAnswer(path, one), { instanceOf: SubjectError, message }, text);
  }
  t.throws(() => readDumpAnswer('/no/such.json', one), {
    message: 'cannot read /no/such.json (ENOENT)',
  });
});

test('engine.json may describe the engine', (t) => {
  const path = join(temporaryFolder(t), 'engine.json');
  writeFileSync(path, '{"name": "mine", "precision": "bf16"}');
  t.deepEqual(readDumpEngine(path), { name: 'mine', precision: 'bf16' });
  writeFileSync(path, '{"name": "mine", "precision": "fp8"}');
  t.throws(() => readDumpEngine(path), { instanceOf: SubjectError, message: /engine\.json: precision: / });
});

test('answers to other questions are refused by the first that differs', (t) => {
  const path = join(temporaryFolder(t), 'cases.json');
  writeFileSync(path, casesJson(DUMP_CASES));
  t.notThrows(() => checkCasesFile(path, DUMP_CASES));
  const [first, second, third] = DUMP_CASES.cases;
  const changed = { ...second, generate: { ids: [9], maxNewTokens: 1 } };
  t.throws(() => checkCasesFile(path, { ...DUMP_CASES, cases: [first, changed, third] }), {
    instanceOf: SubjectError,
    message: `${path}: asks other questions than this judge does, from "two" on; export it again`,
  });
  t.throws(() => checkCasesFile(path, { ...DUMP_CASES, model: 'other' }), {
    message: /does; export it again$/,
  });
  t.throws(() => checkCasesFile(path, { ...DUMP_CASES, cases: [first, second] }), {
    message: /export it again$/,
  });
});
