import test from 'ava';
import { UsageError } from '../../../../engine/errors.ts';
import { acceptPending } from '../../../../generator/review/pending.ts';
import { readManifest } from '../../../../golden/goldens.ts';
import { contents, kinds, PROMPTS, setUp } from './regeneration.ts';

test('a single case is recorded alone, and joins the ones there are', async (t) => {
  const { folder, ask, record, recordAndAccept } = setUp(t, PROMPTS.slice(0, 1));
  await recordAndAccept();
  ask(PROMPTS);
  t.deepEqual((await record({ only: 'two' })).kinds, ['two new']);
  acceptPending(folder);
  t.deepEqual(readManifest('made-up', folder).cases, ['one', 'two']);
  t.false((await record({ only: 'two' })).isPending);
});

test('the first case that is recorded alone is the only one in the manifest', async (t) => {
  const { folder, recordAndAccept } = setUp(t);
  await recordAndAccept({ only: 'two' });
  t.deepEqual(readManifest('made-up', folder).cases, ['two']);
});

test('a single case does not remove others', async (t) => {
  const { folder, ask, record, recordAndAccept } = setUp(t);
  await recordAndAccept();
  ask(PROMPTS.slice(0, 2));
  const before = contents(folder);
  t.deepEqual((await record({ only: 'one' })).kinds, ['one unchanged']);
  t.deepEqual(contents(folder), before);
});

test('a single case of another recording than the rest is refused before it is recorded, but can be looked at', async (t) => {
  const { folder, fake, check, record, recordAndAccept } = setUp(t);
  await recordAndAccept();
  const before = contents(folder);
  fake.overrides = { source: 'elsewhere' };
  const error = await t.throwsAsync(record({ only: 'one' }), { instanceOf: UsageError });
  t.regex(error.message, /^made-up: case "one" alone would not match.*\(source differs\); leave out --only/);
  t.deepEqual(contents(folder), before);
  t.deepEqual((await check({ only: 'one' }))[0].manifest, ['source differs']);
});

test('a case that no prompt has is wrong usage, and no model is opened', async (t) => {
  const { fake, check } = setUp(t);
  await t.throwsAsync(check({ only: 'three' }), {
    instanceOf: UsageError,
    message: 'there is no case "three"; see prompts.json for their names',
  });
  t.deepEqual(fake.opened, []);
});

test('a case that none of the models can be given is wrong usage: a run of nothing would pass any check', async (t) => {
  const { check } = setUp(t);
  await t.throwsAsync(check({ only: 'words', models: ['made-up', 'another'] }), {
    instanceOf: UsageError,
    message: 'case "words" is a text, and made-up, another has no tokenizer',
  });
});

test('a model with prompts of its own is recorded from those alone, and a case of them can be asked for', async (t) => {
  const { fake, write, check } = setUp(t);
  write('large/prompts.json', { maxNewTokens: 2, prompts: [{ id: 'own', category: 'short', ids: [3] }] });
  const models = ['made-up', 'large'];
  t.deepEqual(kinds(await check({ models })), ['one new', 'two new', 'empty new', 'own new']);
  t.deepEqual(kinds(await check({ models, only: 'own' })), ['own new']);
  await t.throwsAsync(check({ models: ['made-up'], only: 'own' }), { message: /there is no case "own"/ });
  t.deepEqual(fake.closed, fake.opened);
});
