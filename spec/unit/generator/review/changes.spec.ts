import test from 'ava';
import { compareCase, compareManifests, withoutNumbers } from '../../../../generator/review/changes.ts';
import type { GoldenCase, Manifest, RecordedCase } from '../../../../golden/schema.ts';
import { makeManifest, makeRecording, SAMPLED, WHOLE } from '../recording/recordings.ts';

const manifest = makeManifest();
const REFUSED: GoldenCase = { id: 'a-case', category: 'edge', ids: [], refusal: 'I will not' };

/** The existing golden, with an edited case. */
function existing(edit: Partial<RecordedCase> = {}) {
  const { golden, tensors } = makeRecording();
  return { golden: { ...golden, ...edit }, tensors, manifest };
}

test('a recording equal to its golden is unchanged', (t) => {
  t.deepEqual(compareCase(existing(), makeRecording(), manifest), withoutNumbers('a-case', 'unchanged'));
});

test('a recording without golden is new', (t) => {
  const { kind, reasons } = compareCase(undefined, makeRecording(), manifest);
  t.is(kind, 'new');
  t.deepEqual(reasons, ['there is no golden of this case yet']);
});

test('a golden that cannot be read is a change, with the reason', (t) => {
  const change = compareCase({ unreadable: 'it is torn' }, makeRecording(), manifest);
  t.deepEqual(change, withoutNumbers('a-case', 'changed', 'it is torn'));
});

for (const [key, value] of [
  ['category', 'edge'],
  ['text', 'another text'],
  ['text', undefined],
  ['ids', [5, 47, 1]],
  ['ids', [5, 47]],
  ['positions', [0, 1]],
] as const) {
  test(`a golden whose ${key} is ${JSON.stringify(value)} is changed`, (t) => {
    const change = compareCase(existing({ [key]: value }), makeRecording(), manifest);
    t.deepEqual(change, withoutNumbers('a-case', 'changed', `${key} differ`));
  });
}

test("changes of numbers are part of the case's change", (t) => {
  const old = existing();
  old.tensors.logits[3] += 1;
  const change = compareCase(old, makeRecording(), manifest);
  t.is(change.kind, 'changed');
  t.deepEqual(change.reasons, ['1 of 288 logits differ beyond the noise']);
  t.true(Math.abs(change.largest - 1) < 1e-6 && change.rms > 0);
});

test('numbers within the noise are unchanged, and their difference is reported', (t) => {
  const old = existing();
  old.tensors.logits[3] += 1e-5;
  const { kind, reasons, largest } = compareCase(old, makeRecording(), manifest);
  t.deepEqual([kind, reasons], ['unchanged', []]);
  t.true(largest > 0);
});

test('sampled rows are read by the ids of the manifest’s sample', (t) => {
  const sampled = makeManifest(SAMPLED);
  const old = { ...makeRecording({ selection: SAMPLED }), manifest: sampled };
  const now = makeRecording({
    selection: SAMPLED,
    rows: ([row]) => (row[SAMPLED.vocabularySample![0]] += 1),
  });
  t.is(compareCase(old, makeRecording({ selection: SAMPLED }), sampled).kind, 'unchanged');
  t.is(compareCase(old, now, sampled).kind, 'changed');
});

test('goldens of another sample or other projections are changed, whatever their numbers', (t) => {
  const { golden, tensors } = makeRecording({ selection: SAMPLED });
  const old = { golden, tensors, manifest: makeManifest(SAMPLED) };
  const vocabularySample = [1, 2, 3, 4, 5];
  const projections = { seed: 'others', count: 2 };
  for (const other of [{ vocabularySample }, { projections }]) {
    const change = compareCase(old, { golden, tensors }, makeManifest({ ...SAMPLED, ...other }));
    t.deepEqual(change.reasons, [`the manifest's ${Object.keys(other)[0]} differ`]);
    t.is(change.kind, 'changed');
  }
});

test('a refusal with the same message is unchanged, with another changed', (t) => {
  t.is(compareCase({ golden: REFUSED, manifest }, { golden: REFUSED }, manifest).kind, 'unchanged');
  const reworded = { ...REFUSED, refusal: 'No' };
  const change = compareCase({ golden: REFUSED, manifest }, { golden: reworded }, manifest);
  t.deepEqual(change, withoutNumbers('a-case', 'changed', 'refusal differ'));
});

test('a prompt that is newly refused, or no longer refused, is changed', (t) => {
  const refused = { ...REFUSED, category: 'short', text: 'a text', ids: [5, 47, 0] };
  const now = compareCase(existing(), { golden: refused }, manifest);
  t.deepEqual([now.kind, now.reasons], ['changed', ['refusal differ', 'positions differ']]);
  const nowNot = compareCase({ golden: refused, manifest }, makeRecording(), manifest);
  t.deepEqual([nowNot.kind, nowNot.reasons], ['changed', ['refusal differ', 'positions differ']]);
});

test('manifests that differ in the machine alone have no changes', (t) => {
  const elsewhere = { node: 'v9', platform: 'other', cpu: 'other', features: ['sve'] };
  t.deepEqual(compareManifests(manifest, { ...manifest, recordedOn: elsewhere }), []);
});

const edits: [edit: Partial<Manifest>, reason: string][] = [
  [{ model: 'another' }, 'model differs'],
  [{ source: 'org/model' }, 'source differs'],
  [{ graph: 'org/graph' }, 'graph differs'],
  [{ seed: undefined }, 'seed differs'],
  [{ maxNewTokens: 5 }, 'maxNewTokens differs'],
  [{ vocabularySample: [1] }, 'vocabularySample differs'],
  [{ projections: { seed: 's', count: 1 } }, 'projections differs'],
  [
    { versions: { ...manifest.versions, onnxruntimeNode: '2.0.1' } },
    'versions onnxruntimeNode: 2.0.0 → 2.0.1',
  ],
  [
    { sha256: { 'config.json': 'b'.repeat(64) } },
    `sha256 config.json: ${'a'.repeat(64)} → ${'b'.repeat(64)}`,
  ],
  [
    { sha256: { ...manifest.sha256, 'tokenizer.json': 'c'.repeat(64) } },
    `sha256 tokenizer.json: none → ${'c'.repeat(64)}`,
  ],
  [{ sha256: {} }, `sha256 config.json: ${'a'.repeat(64)} → none`],
];
for (const [edit, reason] of edits) {
  test(`a change of the manifest has a reason: ${reason}`, (t) => {
    t.deepEqual(compareManifests(manifest, { ...manifest, ...edit }), [reason]);
  });
}

test('whole and sampled manifests differ in both', (t) => {
  t.deepEqual(compareManifests(makeManifest(WHOLE), makeManifest(SAMPLED)), [
    'vocabularySample differs',
    'projections differs',
  ]);
});
