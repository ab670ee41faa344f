import test from 'ava';
import { readCase } from '../../../../golden/goldens.ts';
import type { RecordedCase } from '../../../../golden/schema.ts';
import { goldenCases } from '../../../../verify/reference/golden-cases.ts';

test('a case is its prompt and the golden’s greedy tokens, every position of a short one', (t) => {
  const cases = goldenCases('dense');
  const short = cases.find(({ id }) => id === 'ids-short')!;
  const golden = readCase('dense', 'ids-short') as RecordedCase;
  t.deepEqual(short, {
    id: 'ids-short',
    ids: [...golden.ids, ...golden.greedy.tokens],
    promptLength: 9,
    positions: [...Array(25).keys()],
  });
  t.deepEqual(
    cases.map(({ id }) => id),
    [
      'ids-first-and-last',
      'ids-one',
      'ids-repeated',
      'ids-short',
      'ids-block',
      'ids-block-and-one',
      'ids-longer',
    ],
    'without the prompt that is refused and the one of a thousand ids',
  );
});

test('a longer case has the positions that the golden stores, and those of all greedy tokens', (t) => {
  const long = goldenCases('dense-bf16').find(({ ids }) => ids.length > 200)!;
  const golden = readCase('dense-bf16', long.id) as RecordedCase;
  for (const position of golden.positions) t.true(long.positions.includes(position));
  const greedy = long.positions.filter((position) => position >= golden.ids.length - 1);
  t.is(greedy.length, golden.greedy.tokens.length + 1);
  t.true(long.positions.length < 64);
});
