import test from 'ava';
import {
  caseSchema,
  fingerprintsSchema,
  manifestSchema,
  noiseSchema,
  promptSchema,
  promptsSchema,
  SCHEMA_VERSION,
  storedIds,
  TOP,
} from '../../../golden/schema.ts';
import { makeManifest, makeRecording, SAMPLED } from '../generator/recording/recordings.ts';

const named = { id: 'a-case', category: 'edge' };
const { golden } = makeRecording();
const refused = { ...named, ids: [], refusal: 'no' };
const manifest = makeManifest(SAMPLED);
const HASH = 'a'.repeat(64);

const greedy = (edit: object) => ({ ...golden, greedy: { ...golden.greedy, ...edit } });
const NO_NOISE = { logits: 0, logitsRms: 0, probabilities: 0, hiddenStates: [0] };

const good: [what: string, schema: { safeParse(value: unknown): { success: boolean } }, value: unknown][] = [
  ['a text', promptSchema, { ...named, text: '' }],
  ['a text with NUL and lone surrogates', promptSchema, { ...named, text: '\u0000\ud83d' }],
  ['a conversation', promptSchema, { ...named, messages: [{ role: 'user', content: 'hi', name: 'x' }] }],
  [
    'a conversation with everything',
    promptSchema,
    { ...named, messages: [], template: { enableThinking: false, addGenerationPrompt: true, tools: [{}] } },
  ],
  ['ids', promptSchema, { ...named, ids: [0, -1] }],
  ['seeded ids', promptSchema, { ...named, seededIds: { seed: '', length: 1 } }],
  ['prompts', promptsSchema, { maxNewTokens: 1, prompts: [] }],
  ['a recorded case', caseSchema, golden],
  ['a case whose two best logits are equal', caseSchema, greedy({ margins: [0, 1e-9] })],
  [
    'a case whose ids, positions and tokens are all 0',
    caseSchema,
    { ...greedy({ tokens: [0] }), ids: [0], positions: [0] },
  ],
  ['a case without hidden states', caseSchema, { ...golden, noise: { ...NO_NOISE, hiddenStates: [] } }],
  ['noise of a reference that is the truth', noiseSchema, NO_NOISE],
  ['a refused case', caseSchema, refused],
  ['a refused text', caseSchema, { ...refused, text: '' }],
  ['a manifest of a fixture', manifestSchema, manifest],
  [
    'a manifest of a foreign model',
    manifestSchema,
    { ...manifest, source: 'org/model', graph: 'other/graph', seed: undefined, projections: undefined },
  ],
  ['fingerprints', fingerprintsSchema, { 'a-case': HASH }],
];
for (const [what, schema, value] of good) {
  test(`the schema accepts ${what}`, (t) => {
    t.true(schema.safeParse(value).success);
  });
}

const bad: typeof good = [
  ['a prompt without content', promptSchema, named],
  ['a prompt of two kinds', promptSchema, { ...named, text: '', ids: [] }],
  ['a name that is no file’s', promptSchema, { ...named, id: '../x', text: '' }],
  ['a name in capitals', promptSchema, { ...named, id: 'X', text: '' }],
  ['an unknown category', promptSchema, { ...named, category: 'odd', text: '' }],
  ['a message without role', promptSchema, { ...named, messages: [{ content: 'hi' }] }],
  ['an unknown template option', promptSchema, { ...named, messages: [], template: { thinking: true } }],
  ['ids that are no whole numbers', promptSchema, { ...named, ids: [0.5] }],
  ['no seeded ids', promptSchema, { ...named, seededIds: { seed: '', length: 0 } }],
  ['prompts without greedy tokens', promptsSchema, { maxNewTokens: 0, prompts: [] }],
  ['a case with an id below 0', caseSchema, { ...golden, ids: [-1] }],
  ['a case with a negative position', caseSchema, { ...golden, positions: [-1] }],
  ['a case without noise', caseSchema, { ...golden, noise: undefined }],
  ['a case both recorded and refused', caseSchema, { ...golden, refusal: 'no' }],
  ['a case without tokens', caseSchema, greedy({ tokens: undefined })],
  ['a margin below 0', caseSchema, greedy({ margins: [-1e-9] })],
  ['a margin that is infinite', caseSchema, greedy({ margins: [Infinity] })],
  ['noise that is NaN', noiseSchema, { ...golden.noise, logits: NaN }],
  ['noise below 0', noiseSchema, { ...golden.noise, hiddenStates: [-1] }],
  ['a manifest of another version', manifestSchema, { ...manifest, schemaVersion: SCHEMA_VERSION + 1 }],
  ['a manifest with a hash in capitals', manifestSchema, { ...manifest, sha256: { a: 'A'.repeat(64) } }],
  ['a manifest without versions', manifestSchema, { ...manifest, versions: {} }],
  ['a manifest with an unknown key', manifestSchema, { ...manifest, extra: 1 }],
  ['no projections', manifestSchema, { ...manifest, projections: { seed: '', count: 0 } }],
  ['a fingerprint that is no hash', fingerprintsSchema, { 'a-case': 'abc' }],
];
for (const [what, schema, value] of bad) {
  test(`the schema refuses ${what}`, (t) => {
    t.false(schema.safeParse(value).success);
  });
}

test('where nothing is sampled, the columns are the whole vocabulary', (t) => {
  t.deepEqual(storedIds(4), [0, 1, 2, 3]);
  t.deepEqual(storedIds(2, undefined, [1]), [0, 1]);
});

test('where the vocabulary is sampled, the columns are the sample, then the row’s own largest', (t) => {
  t.deepEqual(storedIds(99, [3, 50], Int32Array.of(50, 7)), [3, 50, 50, 7]);
  t.deepEqual(storedIds(99, [3, 50]), [3, 50]);
  t.is(TOP, 20);
});
