import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { writeSafetensors } from '../../../../../engine/checkpoint/safetensors-writer.ts';
import { arrayFileNames, openDumpArrays } from '../../../../../verify/adapters/dump/dump-arrays.ts';
import { SubjectError } from '../../../../../verify/errors.ts';
import { npyFile } from '../../../../support/adapters/npy.ts';
import { DUMP_CASES, DUMP_SIZES, scoresOfCase, writeDump } from '../../../../support/adapters/write-dump.ts';
import { temporaryFolder, trackResources } from '../../../../support/processes/cleanup.ts';

trackResources(test);

const [one, , empty] = DUMP_CASES.cases;
const open = (folder: string, each = one) =>
  openDumpArrays(folder, each, new Set(readdirSync(folder)), DUMP_SIZES);
const f32 = (shape: number[]) => {
  const data = new Float32Array(shape.reduce((a, b) => a * b));
  return { dtype: 'F32', shape, data };
};

test('scores and hidden states are found in every form', (t) => {
  for (const form of ['safetensors', 'npy'] as const) {
    const folder = temporaryFolder(t);
    writeDump(folder, form);
    const { logits, hidden } = open(folder);
    t.deepEqual(logits?.floats(), scoresOfCase(one), form);
    t.deepEqual(hidden?.shape, [3, 3, 2], form);
  }
  const folder = temporaryFolder(t);
  writeDump(folder, 'top');
  t.deepEqual(Object.keys(open(folder)), ['ids', 'logprobs']);
  t.deepEqual(open(folder, empty), {});
});

test('the files of a case are known by their names', (t) => {
  t.deepEqual(arrayFileNames('x'), ['x.safetensors', 'x.npy', 'x.ids.npy', 'x.logprobs.npy', 'x.hidden.npy']);
});

test('an array of another shape, an unknown one, and half a pair are refused', (t) => {
  for (const [tensors, message] of [
    [{ logits: f32([2, 5]) }, /one: logits has the shape \[2, 5\]; expected \[2, 4\]/],
    [{ logits: f32([1, 4]) }, /one: logits has the shape \[1, 4\]; expected \[2, 4\]/],
    [
      { logits: f32([2, 4]), hidden: f32([2, 3, 2]) },
      /hidden has the shape \[2, 3, 2\]; expected \[3, 3, 2\]/,
    ],
    [{ ids: f32([2, 2]) }, /one: has ids; expected logits, or ids and logprobs/],
    [{ logprobs: f32([2, 2]) }, /one: has logprobs; expected logits, or ids and logprobs/],
    [{ ids: f32([2, 2]), logprobs: f32([2, 3]) }, /logprobs has the shape \[2, 3\]; expected \[2, 2\]/],
    [
      { ids: f32([2, 2]), logprobs: f32([2, 2]), logits: f32([2, 4]) },
      /expected logits, or ids and logprobs/,
    ],
    [{ scores: f32([2, 4]) }, /one: has scores; expected logits, ids, logprobs, hidden/],
  ] as const) {
    const folder = temporaryFolder(t);
    writeSafetensors(join(folder, 'one.safetensors'), new Map(Object.entries(tensors)));
    t.throws(() => open(folder), { instanceOf: SubjectError, message });
  }
});

test('the same array twice, and scores that nothing asks for, are refused', (t) => {
  const folder = temporaryFolder(t);
  writeDump(folder, 'safetensors');
  writeFileSync(join(folder, 'one.npy'), npyFile(scoresOfCase(one), { descr: '<f4', shape: '(2, 4)' }));
  t.throws(() => open(folder), { message: /one\.npy: logits is in one\.safetensors too/ });
  writeSafetensors(join(folder, 'empty.safetensors'), new Map([['logits', f32([1, 4])]]));
  t.throws(() => open(folder, empty), { message: /empty: has logits; no scores are asked for/ });
});
