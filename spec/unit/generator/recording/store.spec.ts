import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { formatJson, writeCase, writeManifest } from '../../../../generator/recording/store.ts';
import { readCase, readManifest, readTensors } from '../../../../golden/goldens.ts';
import { temporaryFolder } from '../../../support/processes/cleanup.ts';
import { CONFIG, makeManifest, makeRecording, SAMPLED, WHOLE } from './recordings.ts';

for (const [name, selection] of [
  ['whole rows', WHOLE],
  ['sampled rows and projections', SAMPLED],
] as const) {
  test(`a case of ${name} is read back bit for bit`, (t) => {
    const folder = temporaryFolder(t);
    const made = makeRecording({ selection });
    // Values that a careless writer would lose.
    made.tensors.logits.set([-0, 1e-42, 3.4028235e38]);
    made.tensors.logitsFloat64!.set([5e-324, Number.MAX_VALUE]);
    writeCase(join(folder, 'made-up'), made, CONFIG);
    t.deepEqual(readCase('made-up', 'a-case', folder), made.golden);
    const read = readTensors('made-up', 'a-case', folder);
    t.deepEqual(read, made.tensors);
    t.true(Object.is(read.logits[0], -0));
  });
}

test('a recording of logits alone is read back', (t) => {
  const folder = temporaryFolder(t);
  const { golden, tensors } = makeRecording();
  writeCase(join(folder, 'made-up'), { golden, tensors: { logits: tensors.logits } }, CONFIG);
  t.deepEqual(readTensors('made-up', 'a-case', folder), { logits: tensors.logits });
});

test('the tensors of a case have the shapes of the schema', (t) => {
  const folder = temporaryFolder(t);
  writeCase(folder, makeRecording({ selection: SAMPLED }), CONFIG);
  const bytes = readFileSync(join(folder, 'a-case.safetensors'));
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + Number(bytes.readBigUInt64LE())));
  const shapes = Object.entries(header).map(([name, info]) => {
    const { dtype, shape } = info as { dtype: string; shape: number[] };
    return `${name} ${dtype} ${shape}`;
  });
  t.deepEqual(shapes.sort(), [
    'hidden_states F32 3,3,2',
    'log_sum_exp F64 6',
    'logits F32 6,25',
    'logits_float64 F64 6,25',
    'row_max F32 6',
    'top_ids I32 6,20',
  ]);
});

test('a refused case is a JSON file alone', (t) => {
  const folder = temporaryFolder(t);
  const golden = { id: 'no', category: 'edge', text: '', ids: [], refusal: 'I will not' };
  writeCase(join(folder, 'made-up'), { golden }, CONFIG);
  t.deepEqual(readdirSync(join(folder, 'made-up')), ['no.json']);
  t.deepEqual(readCase('made-up', 'no', folder), golden);
});

test('a manifest is read back, and its folder is created', (t) => {
  const folder = temporaryFolder(t);
  for (const selection of [WHOLE, SAMPLED]) {
    writeManifest(join(folder, 'made-up'), makeManifest(selection));
    t.deepEqual(readManifest('made-up', folder), makeManifest(selection));
  }
});

test('writing the same case again gives the same bytes', (t) => {
  const folder = temporaryFolder(t);
  const contents = ['first', 'second'].map((name) => {
    mkdirSync(join(folder, name));
    writeCase(join(folder, name), makeRecording(), CONFIG);
    return readdirSync(join(folder, name)).map((file) => readFileSync(join(folder, name, file), 'hex'));
  });
  t.deepEqual(contents[0], contents[1]);
});

test('JSON is indented, keys stay in their order, and a list of numbers takes one line', (t) => {
  const value = { b: [1, -2.5, 3e-7, 1e21], a: { words: ['x', 'y'], none: [], nested: [[1], [2]] } };
  t.is(
    formatJson(value),
    `{
  "b": [1, -2.5, 3e-7, 1e+21],
  "a": {
    "words": [
      "x",
      "y"
    ],
    "none": [],
    "nested": [
      [1],
      [2]
    ]
  }
}
`,
  );
});

const texts = [
  '[1,  2]',
  'a [ 1,\t2 ] b',
  'quoted \\" [ 3 ] "[ 4 ]"',
  '[ 1,\n 2 ]',
  '[\u00a01,\u20282 ]',
  'back\\slash\\',
  'lone \ud83d high, \ude00 low, \ude00\ud83d swapped',
  '\u0000\u001b\u007f\u0085\u009f',
  'soft\u00adhyphen \u200b\u200d\u200f\u202e\u2066\u2069\u2028\u2029\ufeff\u061c',
  '漢字 👩🏽‍🚀 é',
];
for (const text of texts) {
  test(`text is not changed: ${JSON.stringify(text)}`, (t) => {
    const value = { text, list: [text, 1], [text]: [1, 2] };
    t.deepEqual(JSON.parse(formatJson(value)), value);
  });
}

test('control characters, lone surrogates, invisible and reordering characters are escaped, others are not', (t) => {
  const formatted = formatJson(texts);
  t.notRegex(formatted, /[^\P{Cc}\n]|\p{Cf}|\p{Zl}|\p{Zp}|\p{Cs}/u);
  t.regex(formatted, /漢字/);
  t.regex(formatted, /\\u202e/);
  t.regex(formatted, /\\ud83d high/);
});
