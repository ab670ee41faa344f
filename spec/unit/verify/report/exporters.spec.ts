import test from 'ava';
import { renderDiff } from '../../../../verify/report/diff.ts';
import { EXPORTERS } from '../../../../verify/report/exporters.ts';
import { STYLE } from '../../../../verify/report/html/style.ts';
import { verdictSchema } from '../../../../verify/verdict.ts';
import { expectText } from '../../../support/verify/expected-text.ts';
import { EVERYTHING, RIGHT, UNKNOWN, WRONG } from '../../../support/verify/sample-verdicts.ts';

const SAMPLES = { EVERYTHING, RIGHT, WRONG, UNKNOWN };

for (const format of ['terminal', 'junit', 'html', 'markdown', 'badge'] as const) {
  test(`${format}: the whole text, of verdicts with every part in every state`, (t) => {
    const texts = Object.entries(SAMPLES).map(([name, verdict]) => {
      const text = EXPORTERS[format](verdict).replace(STYLE, '…').replaceAll('><', '>\n<');
      return `${name}\n${text}`;
    });
    expectText(t, texts.join('\n'), format, import.meta.url);
  });
}

test('a comparison of two verdicts: the whole text, of all pairs', (t) => {
  const texts = Object.entries(SAMPLES).flatMap(([old, before]) =>
    Object.entries(SAMPLES).map(([now, after]) => `${old} ${now}\n${renderDiff(before, after)}`),
  );
  expectText(t, texts.join('\n'), 'diff', import.meta.url);
});

test('every format renders every kind of verdict as text that ends with a new line', (t) => {
  for (const [format, render] of Object.entries(EXPORTERS)) {
    for (const verdict of Object.values(SAMPLES)) t.regex(render(verdict), /^\S[\s\S]*\n$/, format);
  }
});

test('the JSON is the whole verdict', (t) => {
  for (const verdict of Object.values(SAMPLES)) {
    t.deepEqual(verdictSchema.parse(JSON.parse(EXPORTERS.json(verdict))), verdict);
  }
});
