import test from 'ava';
import { quoteLine } from '../../../../verify/protocol/quote-line.ts';

test('a line is quoted with its first 200 characters, and a mark if there are more', (t) => {
  t.is(quoteLine('say "hi"\t'), '"say \\"hi\\"\\t"');
  t.is(quoteLine('x'.repeat(200)), `"${'x'.repeat(200)}"`);
  t.is(quoteLine('x'.repeat(201)), `"${'x'.repeat(200)}"…`);
});
