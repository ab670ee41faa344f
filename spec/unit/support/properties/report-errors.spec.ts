import test from 'ava';
import fc from 'fast-check';

test('a property that fails says what was wrong, and not only with which case', async (t) => {
  const wrong = (value: number) => {
    if (value > 3) throw new RangeError(`layer 2, position 7: got ${value}, expected 3`);
  };
  const parameters = { seed: 1, examples: [[4]] as [number][], endOnFailure: true };
  t.throws(() => fc.assert(fc.property(fc.nat(), wrong), parameters), {
    message: /Counterexample: \[4\][\s\S]*Got RangeError: layer 2, position 7: got 4, expected 3/,
  });
  const later = async (value: number) => wrong(value);
  await t.throwsAsync(fc.assert(fc.asyncProperty(fc.nat(), later), parameters), {
    message: /Got RangeError: layer 2, position 7: got 4, expected 3/,
  });
});
