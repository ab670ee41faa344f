import test from 'ava';
import { UsageError } from '../../../engine/errors.ts';
import { CHECKS, parseChecks } from '../../../verify/checks.ts';

test('names of checks are accepted, others are wrong usage', (t) => {
  t.deepEqual(parseChecks(['greedy', 'prompt']), ['greedy', 'prompt']);
  t.throws(() => parseChecks(['greed']), {
    instanceOf: UsageError,
    message: `choose among the checks ${CHECKS.join(', ')}; there is no "greed"`,
  });
});
