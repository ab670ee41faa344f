import test from 'ava';
import { align } from '../../../../verify/judge/align.ts';
import { classNoise } from '../../../../verify/judge/class-noise.ts';
import { median } from '../../../../verify/judge/statistics.ts';
import { LEVELS, syntheticReference, syntheticSubject } from './synthetic.ts';

const reference = syntheticReference();
const { rows } = align(syntheticSubject(reference), reference);

test('the noise of a class is that of its imitations', (t) => {
  const { classes, noise } = classNoise(rows, reference);
  t.deepEqual(classes, ['f32', 'f16', 'bf16', '8bit', '4bit']);
  for (const name of classes) {
    const ratio = median(noise.get(name)!) / LEVELS[name]!;
    t.true(ratio > 0.85 && ratio < 1.05, `${name}: ${ratio}`);
  }
});

test('an imitation that is right by chance in a row does not make its noise vanish', (t) => {
  const lucky = {
    ...reference,
    imitations: reference.imitations.map((one) => ({
      ...one,
      cases: new Map([
        ...one.cases,
        [
          'short',
          one.cases.get('short')!.map((row, r) => (r === 4 ? reference.cases[1].rows[4].truth : row)),
        ],
      ]),
    })),
  };
  const index = rows.findIndex((row) => row.case === 'short' && row.position === 4);
  const { noise } = classNoise(rows, lucky);
  t.true(noise.get('bf16')![index] > 0.2 * LEVELS.bf16!);
});
