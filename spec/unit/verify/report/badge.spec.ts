import test from 'ava';
import { renderBadge } from '../../../../verify/report/badge.ts';
import { RIGHT, UNKNOWN, WRONG } from '../../../support/verify/sample-verdicts.ts';

test('a badge says the verdict, and the class of a right engine', (t) => {
  const badge = (color: string, message: string) => ({
    schemaVersion: 1,
    label: 'plumbline',
    message,
    color,
  });
  t.deepEqual(JSON.parse(renderBadge(RIGHT)), badge('brightgreen', 'right bf16'));
  t.deepEqual(JSON.parse(renderBadge(WRONG)), badge('red', 'wrong'));
  t.deepEqual(JSON.parse(renderBadge(UNKNOWN)), badge('lightgrey', 'unknown'));
  t.deepEqual(
    JSON.parse(renderBadge({ ...RIGHT, precision: UNKNOWN.precision })),
    badge('brightgreen', 'right'),
  );
  t.deepEqual(
    JSON.parse(renderBadge({ ...RIGHT, precision: WRONG.precision })),
    badge('brightgreen', 'right'),
  );
});
