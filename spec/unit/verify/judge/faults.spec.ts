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
