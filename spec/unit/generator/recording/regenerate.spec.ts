import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { FileError } from '../../../../engine/errors.ts';
import type { RecordableModel } from '../../../../generator/recording/models.ts';
import type { RecordingProgress } from '../../../../generator/recording/progress.ts';
import { acceptPending, PENDING } from '../../../../generator/review/pending.ts';
import { readManifest } from '../../../../golden/goldens.ts';
import { contents, kinds, PROMPTS, setUp } from './regeneration.ts';

const FILES = ['empty.json', 'manifest.json', 'one.json', 'one.safetensors', 'two.json', 'two.safetensors'];

test('cases without goldens are new, and all are pending', async (t) => {
  const { folder, record } = setUp(t);
  const { kinds, isPending } = await record();
  t.deepEqual(kinds, ['one new', 'two new', 'empty new']);
  t.true(isPending);
  t.deepEqual(readdirSync(folder).sort(), [PENDING, 'prompts.json']);
  t.deepEqual(
    acceptPending(folder).sort(),
    FILES.map((file) => `made-up/${file}`),
  );
  t.deepEqual(readManifest('made-up', folder).cases, ['one', 'two', 'empty']);
});

test('a second recording is unchanged and leaves every byte', async (t) => {
  const { folder, record, recordAndAccept } = setUp(t);
  await recordAndAccept();
  const before = contents(folder);
  const { summaries, kinds, isPending } = await record();
  t.deepEqual(kinds, ['one unchanged', 'two unchanged', 'empty unchanged']);
  t.deepEqual(summaries[0].manifest, []);
  t.false(isPending);
  t.deepEqual(contents(folder), before);
});

test('numbers that differ within the noise leave every byte of the goldens', async (t) => {
  const { folder, fake, record, recordAndAccept } = setUp(t);
  await recordAndAccept();
  const before = contents(folder);
  fake.faults = { logits: (row) => row.set(row.map((value) => value * (1 + 1e-7))) };
  const { summaries, isPending } = await record();
  t.true(summaries[0].cases[0].largest > 0);
  t.false(isPending);
  t.deepEqual(contents(folder), before);
});

test('only changed cases and the manifest are pending', async (t) => {
  const { folder, write, record, recordAndAccept } = setUp(t);
  await recordAndAccept();
  const golden = JSON.parse(readFileSync(join(folder, 'made-up', 'two.json'), 'utf8'));
  write('made-up/two.json', { ...golden, category: 'edge' });
  const before = contents(folder);
  const { kinds, isPending } = await record();
  t.deepEqual(kinds, ['one unchanged', 'two changed', 'empty unchanged']);
  t.true(isPending);
  for (const [file, content] of Object.entries(before)) t.is(contents(folder)[file], content, file);
  t.deepEqual(readdirSync(join(folder, PENDING, 'made-up')).sort(), [
    'manifest.json',
    'two.json',
    'two.safetensors',
  ]);
});

test('without pending goldens, nothing is written', async (t) => {
  const { folder, fake, ask, check, recordAndAccept } = setUp(t);
  t.deepEqual(kinds(await check()), ['one new', 'two new', 'empty new']);
  await recordAndAccept();
  const before = contents(folder);
  fake.faults = { logits: (row) => row.set([row[3] + 1], 3) };
  ask(PROMPTS.slice(0, 1));
  const expected = contents(folder)['prompts.json'];
  t.deepEqual(kinds(await check()), ['one changed', 'two removed', 'empty removed']);
  t.deepEqual(contents(folder), { ...before, 'prompts.json': expected });
});

test('a case without a prompt is removed, with its files', async (t) => {
  const { folder, ask, record, recordAndAccept } = setUp(t);
  await recordAndAccept();
  ask(PROMPTS.slice(1));
  const { kinds, summaries } = await record();
  t.deepEqual(kinds, ['two unchanged', 'empty unchanged', 'one removed']);
  t.deepEqual(summaries[0].cases[2].reasons, ['prompts.json has no prompt of this id any more']);
  t.deepEqual(
    acceptPending(folder),
    ['manifest.json', 'one.json', 'one.safetensors'].map((f) => `made-up/${f}`),
  );
  t.deepEqual(readManifest('made-up', folder).cases, ['two', 'empty']);
});

test('a case that is now refused loses its numbers', async (t) => {
  const { folder, ask, recordAndAccept } = setUp(t);
  await recordAndAccept();
  ask([{ ...PROMPTS[0], ids: [] }, ...PROMPTS.slice(1)]);
  await recordAndAccept();
  t.deepEqual(
    readdirSync(join(folder, 'made-up')).sort(),
    FILES.filter((file) => file !== 'one.safetensors'),
  );
  t.regex(readFileSync(join(folder, 'made-up', 'one.json'), 'utf8'), /nothing to go on/);
});

test('a changed manifest is pending even if every case is unchanged', async (t) => {
  const { folder, fake, record, recordAndAccept } = setUp(t);
  await recordAndAccept();
  fake.overrides = { sha256: { 'config.json': 'b'.repeat(64) } };
  const { summaries, isPending } = await record();
  t.deepEqual(summaries[0].manifest, [`sha256 config.json: none → ${'b'.repeat(64)}`]);
  t.true(isPending);
  t.deepEqual(acceptPending(folder), ['made-up/manifest.json']);
});

test('a model with a tokenizer also gets the texts', async (t) => {
  const { fake, check } = setUp(t);
  const tokenizer = { encode: () => [1, 2], decode: () => 'text' };
  const { recorder } = await fake.open('made-up');
  fake.overrides = {
    recorder: { ...recorder, tokenizer: tokenizer as unknown as RecordableModel['recorder']['tokenizer'] },
  };
  t.is(kinds(await check()).at(-1), 'words new');
});

for (const [what, file, reason] of [
  ['torn', 'one.json', /cannot read .*one\.json as JSON: /],
  ['missing', 'two.json', /cannot read .*two\.json \(ENOENT\)/],
  ['torn', 'one.safetensors', /one\.safetensors/],
  ['missing', 'two.safetensors', /two\.safetensors/],
] as const) {
  test(`a golden whose ${file} is ${what} is changed, with the reason, and recorded again`, async (t) => {
    const { folder, record, recordAndAccept } = setUp(t);
    await recordAndAccept();
    const before = contents(folder);
    const path = join(folder, 'made-up', file);
    if (what === 'torn') writeFileSync(path, '{"torn');
    else rmSync(path);
    const { summaries } = await record();
    const changed = summaries[0].cases.filter(({ kind }) => kind === 'changed');
    t.is(changed.length, 1);
    t.regex(changed[0].reasons.join(), reason);
    acceptPending(folder);
    t.deepEqual(contents(folder), before);
  });
}

for (const [what, manifest] of [
  ['of another version of the format', { schemaVersion: 0 }],
  ['torn', '{"schemaVersion'],
] as const) {
  test(`goldens whose manifest is ${what} are recorded again, with the reason`, async (t) => {
    const { folder, write, record, recordAndAccept } = setUp(t);
    await recordAndAccept();
    const before = contents(folder);
    write('made-up/manifest.json', manifest);
    const { summaries, kinds } = await record();
    t.regex(summaries[0].manifest.join(), /made-up\/manifest\.json( as JSON)?: /);
    t.deepEqual(kinds, ['one new', 'two new', 'empty new']);
    acceptPending(folder);
    t.deepEqual(contents(folder), before);
  });
}

test('a golden that the manifest does not list is new', async (t) => {
  const { folder, write, record, recordAndAccept } = setUp(t);
  await recordAndAccept();
  const manifest = readManifest('made-up', folder);
  write('made-up/manifest.json', { ...manifest, cases: ['two', 'empty'] });
  t.deepEqual((await record()).kinds, ['one new', 'two unchanged', 'empty unchanged']);
});

test('models are recorded and closed one after the other, each in its own folder', async (t) => {
  const { folder, fake, recordAndAccept } = setUp(t);
  await recordAndAccept({ models: ['first', 'second'] });
  t.deepEqual(
    [fake.opened, fake.closed],
    [
      ['first', 'second'],
      ['first', 'second'],
    ],
  );
  for (const model of ['first', 'second']) t.deepEqual(readdirSync(join(folder, model)).sort(), FILES);
});

test('a model whose recording fails is closed, and no file is left', async (t) => {
  const { folder, fake, record } = setUp(t);
  fake.faults = { acceptsEmpty: true };
  await t.throwsAsync(record(), { message: /accepted an empty prompt/ });
  t.deepEqual(fake.closed, ['made-up']);
  t.deepEqual(readdirSync(folder), ['prompts.json']);
});

test('prompts that cannot be read are a FileError', async (t) => {
  const { write, check } = setUp(t);
  write('prompts.json', '{');
  await t.throwsAsync(check(), { instanceOf: FileError, message: /cannot read .*prompts\.json as JSON: / });
});

test('progress is reported before a case and after each of its tokens', async (t) => {
  const { check } = setUp(t, PROMPTS.slice(0, 2));
  const reported: RecordingProgress[] = [];
  await check({ onProgress: (progress) => reported.push(progress) });
  const expected = ['one', 'two'].flatMap((id, done) =>
    [0, 1, 2, 3].map((tokens) => ({ model: 'made-up', case: id, done, total: 2, tokens, maxNewTokens: 3 })),
  );
  t.deepEqual(reported, expected);
});
