import test from 'ava';
import {
  DUMP_FORMAT,
  dumpAnswerSchema,
  dumpCasesSchema,
  dumpEngineSchema,
  dumpFiles,
} from '../../../golden/dump-layout.ts';

const asked = { id: 'ids-one', ids: [7], positions: [0], maxNewTokens: 16 };
const cases = { format: DUMP_FORMAT, model: 'dense', cases: [asked] };
type Schema = { safeParse(value: unknown): { success: boolean } };

const good: [what: string, schema: Schema, value: unknown][] = [
  ['a case', dumpCasesSchema, cases],
  ['an empty prompt', dumpCasesSchema, { ...cases, cases: [{ ...asked, ids: [], positions: [] }] }],
  ['tokens', dumpAnswerSchema, { tokens: [1, 2] }],
  ['a refusal', dumpAnswerSchema, { error: 'the prompt is empty' }],
  ['an engine', dumpEngineSchema, { name: 'x', version: '1', language: 'C', issues: 'https://x.invalid' }],
];
for (const [what, schema, value] of good) {
  test(`${what} fits its schema`, (t) => {
    t.true(schema.safeParse(value).success);
  });
}

const bad: [what: string, schema: Schema, value: unknown][] = [
  ['another version', dumpCasesSchema, { ...cases, format: DUMP_FORMAT + 1 }],
  ['a case with expected tokens', dumpCasesSchema, { ...cases, cases: [{ ...asked, greedy: [1] }] }],
  ['a case id that leaves the folder', dumpCasesSchema, { ...cases, cases: [{ ...asked, id: '../x' }] }],
  ['a hidden file as a case id', dumpCasesSchema, { ...cases, cases: [{ ...asked, id: '.x' }] }],
  ['a negative position', dumpCasesSchema, { ...cases, cases: [{ ...asked, positions: [-1] }] }],
  ['tokens beside a refusal', dumpAnswerSchema, { tokens: [1], error: 'no' }],
  ['tokens that are no integers', dumpAnswerSchema, { tokens: [1.5] }],
  ['an engine without a name', dumpEngineSchema, { version: '1' }],
];
for (const [what, schema, value] of bad) {
  test(`${what} does not fit its schema`, (t) => {
    t.false(schema.safeParse(value).success);
  });
}

test('the files of a case are named after it', (t) => {
  t.deepEqual(dumpFiles('ids-one'), {
    answer: 'ids-one.json',
    safetensors: 'ids-one.safetensors',
    npy: {
      logits: 'ids-one.logits.npy',
      ids: 'ids-one.ids.npy',
      logprobs: 'ids-one.logprobs.npy',
      hidden: 'ids-one.hidden.npy',
    },
  });
});
