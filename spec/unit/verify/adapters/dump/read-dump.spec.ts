import { mkdirSync, readdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { dumpFiles, readDump, scoresOf } from '../../../../../verify/adapters/dump/read-dump.ts';
import { SubjectError } from '../../../../../verify/errors.ts';
import { DUMP_CASES, DUMP_SIZES, writeDump } from '../../../../support/adapters/write-dump.ts';
import { temporaryFolder, trackResources } from '../../../../support/processes/cleanup.ts';

trackResources(test);

test('a folder that is whole is read, whatever form its scores have', (t) => {
  for (const [form, scores] of [
    ['safetensors', 'all'],
    ['npy', 'all'],
    ['top', 'top'],
    ['none', 'none'],
  ] as const) {
    const folder = temporaryFolder(t);
    writeDump(folder, form);
    const dumped = readDump(folder, DUMP_CASES, DUMP_SIZES);
    t.deepEqual(dumped.map(scoresOf), [scores, scores, 'none'], form);
  }
});

test('folders and hidden files are left alone', (t) => {
  const folder = temporaryFolder(t);
  writeDump(folder, 'none');
  mkdirSync(join(folder, 'model'));
  writeFileSync(join(folder, '.DS_Store'), '');
  t.notThrows(() => readDump(folder, DUMP_CASES, DUMP_SIZES));
});

test('answers that are symbolic links are read', (t) => {
  const [folder, store] = [temporaryFolder(t), temporaryFolder(t)];
  writeDump(store, 'npy');
  for (const file of readdirSync(store)) symlinkSync(join(store, file), join(folder, file));
  const answersIn = (path: string) => readDump(path, DUMP_CASES, DUMP_SIZES).map(({ answer }) => answer);
  t.deepEqual(answersIn(folder), answersIn(store));
});

test('one error lists all problems of a folder', (t) => {
  const folder = temporaryFolder(t);
  writeDump(folder, 'npy');
  rmSync(join(folder, 'cases.json'));
  rmSync(join(folder, 'empty.json'));
  truncateSync(join(folder, 'one.npy'), 150);
  rmSync(join(folder, 'two.npy'));
  writeFileSync(join(folder, 'three.json'), '{}');
  const error = t.throws(() => readDump(folder, DUMP_CASES, DUMP_SIZES), { instanceOf: SubjectError });
  t.deepEqual(error.message.replaceAll(`${folder}/`, '').split('\n'), [
    `the answers in ${folder} are not whole:`,
    '  cases.json: is missing; write the answers beside the exported file',
    '  one.npy: has 22 bytes of elements; F64 [2, 4] takes 64',
    '  empty.json: is missing',
    '  three.json: is of no case',
  ]);
});

test('cases whose scores have different forms are listed; a case that failed needs no scores', (t) => {
  const folder = temporaryFolder(t);
  writeDump(folder, 'npy');
  rmSync(join(folder, 'two.npy'));
  t.throws(() => readDump(folder, DUMP_CASES, DUMP_SIZES), {
    message: /two: has no scores, and "one" has logits; expected the same form$/,
  });
  writeFileSync(join(folder, 'two.json'), '{"error": "too long"}');
  t.notThrows(() => readDump(folder, DUMP_CASES, DUMP_SIZES));
});

test('of very many problems the first 20 are listed', (t) => {
  const folder = temporaryFolder(t);
  writeDump(folder, 'none');
  for (let i = 0; i < 30; i++) writeFileSync(join(folder, `other-${i}.json`), '{}');
  const error = t.throws(() => readDump(folder, DUMP_CASES, DUMP_SIZES));
  t.is(error.message.split('\n').length, 22);
  t.true(error.message.endsWith('\n  and 10 more'));
});

test('a folder that cannot be read is refused', (t) => {
  t.throws(() => dumpFiles('/no/such/folder'), {
    instanceOf: SubjectError,
    message: 'cannot read /no/such/folder (ENOENT); expected a folder of written answers',
  });
});
