import test from 'ava';
import { FAULTS } from '../../../../verify/judge/faults.ts';
import { syntheticReference, syntheticSubject } from './synthetic.ts';

const reference = syntheticReference();
const subject = syntheticSubject(reference);
const put = (name: string) => FAULTS.find((fault) => fault.name === name)!.put;

for (const fault of FAULTS) {
  test(`${fault.name}: the answers are changed, and the subject's own are left alone`, (t) => {
    const before = structuredClone(subject);
    const faulty = fault.put(subject, reference, 'bf16');
    t.truthy(faulty);
    t.notDeepEqual(faulty, subject);
    t.deepEqual(subject, before);
  });

  test(`${fault.name}: is not put into answers that do not have it`, (t) => {
    t.is(fault.put([{ id: 'long', rows: [] }], reference, 'bf16'), undefined);
  });
}

test('a dropped token moves the rows from the middle on', (t) => {
  const [long] = put('a token in the middle of a prompt is dropped')(subject, reference, 'bf16')!;
  t.deepEqual(long.rows[29].values, subject[0].rows[29].values);
  t.deepEqual(long.rows[30].values, subject[0].rows[31].values);
  t.is(long.rows[30].position, 30);
});

test('a token is put where the truth finds it least likely of all tokens of its case', (t) => {
  const name = 'a token of each greedy answer is another';
  const [long] = put(name)(subject, reference, 'bf16')!;
  const { ids, promptLength, rows } = reference.cases[0];
  const own = ids.slice(promptLength);
  const lossOf = (step: number, token: number) => {
    const { ids: rowIds, truth } = rows[promptLength - 1 + step];
    return truth[0] - truth.at(rowIds.indexOf(token))!;
  };
  const changed = own.flatMap((token, step) => (token === long.greedy![step] ? [] : [step]));
  t.is(changed.length, 1);
  const most = Math.max(...own.flatMap((_, step) => ids.map((token) => lossOf(step, token))));
  t.is(lossOf(changed[0], long.greedy![changed[0]]), most);
  // After another token nothing is compared.
  const flipped = subject.map((one) => ({ ...one, greedy: one.greedy!.with(0, 39) }));
  t.is(put(name)(flipped, reference, 'bf16'), undefined);
});

test('rows of greedy tokens that are too few to be judged are not exchanged', (t) => {
  const name = 'the row of each greedy token is that of the token before';
  const few = subject.map((one) => ({ ...one, greedyRows: one.greedyRows!.slice(0, 2) }));
  t.is(put(name)(few, reference, 'bf16'), undefined);
  const [long] = put(name)(subject, reference, 'bf16')!;
  t.deepEqual(long.greedyRows![3], subject[0].greedyRows![2]);
});

test('the noise that is added is that of the next class that is four times as noisy', (t) => {
  const noisy = put('noise of a lower class is added')(subject, reference, 'bf16')!;
  const lower = reference.imitations.find(({ precision }) => precision === '4bit')!;
  const { ids, truth } = reference.cases[0].rows[3];
  const [before, after] = [subject[0].rows[3], noisy[0].rows[3]];
  for (const [i, value] of after.values.entries()) {
    const at = ids.indexOf(before.ids![i]);
    const added = lower.cases.get('long')![3][at] - truth[at];
    t.true(Math.abs(value - before.values[i] - added) < 1e-5);
  }
});
