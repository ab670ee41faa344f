import test from 'ava';
import { consistencyCases } from '../../../../verify/consistency/consistency-cases.ts';
import { expectText } from '../../../support/verify/expected-text.ts';
import { fakeSubject } from '../../../support/verify/fake-subject.ts';

test('texts become the ids of the subject itself, and their last position is asked for', async (t) => {
  const tokenize = async (text: string) => Array.from(text, (letter) => letter.charCodeAt(0));
  const cases = await consistencyCases(fakeSubject({ tokenize }, { tokenize: true }));
  t.true(cases.length >= 6);
  for (const { text, promptIds, positions } of cases) {
    t.deepEqual(promptIds, await tokenize(text!));
    t.is(positions.at(-1), promptIds.length - 1);
    t.true(positions.length <= 8 && positions.every((position, i) => i === 0 || position > positions[i - 1]));
  }
});

test('a subject without a tokenizer is asked ids that every vocabulary has, some with a common prefix', async (t) => {
  const cases = await consistencyCases(fakeSubject());
  const prompts = cases.map(({ promptIds }) => promptIds);
  t.true(prompts.flat().every((id) => id >= 1 && id <= 200));
  t.is(new Set(prompts.map(String)).size, prompts.length);
  t.deepEqual(prompts[0].slice(0, 12), prompts[1].slice(0, 12));
  t.notDeepEqual(prompts[0].slice(0, 12), prompts[2].slice(0, 12));
});

test('the cases, whole', async (t) => {
  const tokenize = async (text: string) => Array.from(text, (letter) => letter.charCodeAt(0));
  const cases = [
    ...(await consistencyCases(fakeSubject())),
    ...(await consistencyCases(fakeSubject({ tokenize }, { tokenize: true }))),
  ];
  const lines = cases.map((each) => `${JSON.stringify(each)}\n`);
  expectText(t, lines.join(''), 'cases', import.meta.url);
});
