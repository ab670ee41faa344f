import test from 'ava';
import { FAULTS } from '../../../../verify/judge/faults.ts';
import { judgePower } from '../../../../verify/judge/power.ts';
import { LEVELS, syntheticReference, syntheticSubject } from './synthetic.ts';

const reference = syntheticReference();

for (const name of ['f32', 'f16', 'bf16', '8bit'] as const) {
  test(`every fault in the answers of an engine at ${name} is refused`, (t) => {
    const subject = syntheticSubject(reference, { level: LEVELS[name] });
    t.deepEqual(judgePower(subject, reference, name), {
      refused: FAULTS.length,
      of: FAULTS.length,
      missed: [],
    });
  });
}

test('a fault that the answers cannot have is not counted', (t) => {
  const subject = syntheticSubject(reference).slice(0, 1);
  const tokensOnly = subject.map(({ id, greedy }) => ({ id, greedy, rows: [] }));
  t.is(judgePower(subject, reference, 'bf16').of, FAULTS.length - 1, 'there is no second case to exchange');
  t.deepEqual(judgePower(tokensOnly, reference, 'bf16'), { refused: 1, of: 1, missed: [] });
});

test('a fault that is let pass is named', (t) => {
  // Answers that are as good as any other: two scores alike, held to noise of two nats.
  const flat = syntheticSubject(reference).map(({ id, rows }) => ({
    id,
    rows: rows.map(({ position, ids }) => ({
      position,
      ids: ids!.slice(0, 2),
      values: Float32Array.of(0, 0),
    })),
  }));
  const loose = {
    ...reference,
    imitations: reference.imitations
      .filter(({ precision }) => precision === '4bit')
      .map((one) => ({ ...one, precision: '8bit' as const })),
  };
  const { missed, refused, of } = judgePower(flat, loose, '8bit');
  t.is(refused + missed.length, of);
  t.false(missed.includes('one value is NaN'));
});
