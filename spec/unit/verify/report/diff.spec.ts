import test from 'ava';
import { diffVerdicts, renderDiff } from '../../../../verify/report/diff.ts';
import { RIGHT, UNKNOWN, WRONG } from '../../../support/verify/sample-verdicts.ts';

test('changes for worse and better are listed by stable names', (t) => {
  const { worse, better, other } = diffVerdicts(RIGHT, WRONG);
  t.deepEqual(worse, ['verdict: right → wrong']);
  t.deepEqual(better, []);
  t.deepEqual(other, [
    'precision: bf16 (ratio 1.04) → none (ratio 1.04)',
    'bug "sliding window of 64" is only in the new verdict',
    'case ids-longer is only in the new verdict',
    'case ids-thousand is only in the new verdict',
  ]);
  t.deepEqual(diffVerdicts(WRONG, RIGHT).better, ['verdict: wrong → right']);
});

test('a bug that is found and a case that broke are worse', (t) => {
  const bugs = RIGHT.bugs.map((bug) => ({ ...bug, verdict: 'found' as const }));
  const cases = RIGHT.cases.map((each) => ({ ...each, verdict: 'wrong' as const }));
  const { worse } = diffVerdicts(RIGHT, { ...RIGHT, bugs, cases });
  t.deepEqual(worse, [
    'bug "theta times 10": ruled out → found',
    'bug "norms of q and k swapped": ruled out → found',
    'bug "eps times 10": cannot tell → found',
    'case ids-one: right → wrong',
    'case ids-short: right → wrong',
  ]);
});

test('unknown stands between right and wrong, and an equal verdict is no change', (t) => {
  const verdicts = ['right', 'unknown', 'wrong'] as const;
  for (const [i, was] of verdicts.entries()) {
    for (const [j, is] of verdicts.entries()) {
      const change = was === is ? [] : [`verdict: ${was} → ${is}`];
      t.deepEqual(diffVerdicts({ ...RIGHT, verdict: was }, { ...RIGHT, verdict: is }), {
        worse: j > i ? change : [],
        better: j < i ? change : [],
        other: [],
      });
    }
  }
});

test('a diff names another reference, and a verdict without a class', (t) => {
  const reference = { kind: 'engine' as const, description: 'our engine' };
  t.deepEqual(diffVerdicts(RIGHT, { ...RIGHT, reference, precision: UNKNOWN.precision }).other, [
    'precision: bf16 (ratio 1.04) → not checked (ratio –)',
    'reference: goldens → engine',
  ]);
});

test('a comparison is printed under headings, or says that there is no difference', (t) => {
  t.regex(
    renderDiff(RIGHT, WRONG),
    /^old {2}RIGHT.*\nnew {2}WRONG.*\nworse:\n {2}verdict: right → wrong\nother:\n/,
  );
  t.regex(renderDiff(RIGHT, RIGHT), /\nno difference\n$/);
  const reference = { kind: 'engine' as const, description: 'our engine' };
  t.regex(renderDiff(RIGHT, { ...RIGHT, reference }), /\nother:\n {2}reference: goldens → engine\n$/);
});
