import test from 'ava';
import { renderBugChart } from '../../../../../verify/report/html/bug-chart.ts';
import { WRONG } from '../../../../support/verify/sample-verdicts.ts';

test('each bug has its coefficient at its place, and its verdict in a word', (t) => {
  const html = renderBugChart(WRONG.bugs);
  const x = Number(/data-bug="sliding window of 64" x="([\d.]+)"/.exec(html)![1]);
  const [, one] = [...html.matchAll(/class="axis" x1="([\d.]+)"/g)].map(([, at]) => Number(at));
  t.is(x + 1.5, one, 'the middle of the mark stands on the line of 1');
  t.is(html.match(/ found"/g)?.length, 2, 'its bar and its mark');
  t.is(html.match(/>ruled out</g)?.length, 2);
  t.true(
    html.startsWith('<p><b>sliding window of 64: attention sees the last 64 &lt;positions&gt; only</b></p>'),
    'a found bug is told in a sentence, which needs no pointer to be read',
  );
  t.true(html.includes('title="eps is ten times too large">eps times 10<'));
});

test('coefficients beyond the scale end at its edge', (t) => {
  const bugs = [46, -7].map((coefficient) => ({ ...WRONG.bugs[0], coefficient }));
  const places = [...renderBugChart(bugs).matchAll(/data-bug="[^"]*" x="([-\d.]+)"/g)].map(([, x]) => x);
  t.deepEqual(places, ['198.5', '-1.5']);
});

test('a bug that changes nothing that can be seen has no mark', (t) => {
  const unseen = {
    name: 'a <long> name',
    title: 'a <long> title',
    verdict: 'cannot tell',
    coefficient: null,
    standardError: null,
  } as const;
  const html = renderBugChart([unseen]);
  t.false(html.includes('data-bug'));
  t.true(html.includes('a &lt;long&gt; name') && html.includes('>cannot tell<'));
});
