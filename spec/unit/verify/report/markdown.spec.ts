import test from 'ava';
import { renderMarkdown } from '../../../../verify/report/markdown.ts';
import { RIGHT, UNKNOWN, WRONG } from '../../../support/verify/sample-verdicts.ts';

test('a right engine is a heading and a table', (t) => {
  const text = renderMarkdown(RIGHT);
  t.true(
    text.startsWith(
      '### ✅ RIGHT: rusty-qwen 1.2.0 computes dense as bf16 does\n\n| question | answer |\n|---|---|\n',
    ),
  );
  t.regex(text, /\| classes \| noise in nats: .* 4bit 1\.56 \(too large to judge by\) \|/);
  t.true(text.includes('| known bugs | 2 of 3 ruled out |'));
  t.true(text.includes('Not checked: hidden states (the engine does not give them).'));
  t.false(text.includes('<details>'));
});

test('names of engines cannot write markup or end a cell', (t) => {
  const subject = { ...WRONG.subject, name: 'a | b\n# c <img src=x>' };
  const [heading] = renderMarkdown({ ...WRONG, subject }).split('\n');
  t.true(heading.includes('a \\| b \\# c \\<img src=x\\>'), heading);
});

test('cases that are not right are listed, folded away', (t) => {
  const text = renderMarkdown(WRONG);
  t.true(text.includes('<details><summary>2 of 4 cases are not right</summary>'));
  t.true(text.includes('- `ids-longer`: hidden\\_states.2, position 64: got 0.53, expected 0.52'));
  t.true(
    text.includes(
      '| bug | **sliding window of 64: attention sees the last 64 \\<positions\\> only**, coefficient 1 ± 0.01 |',
    ),
  );
  t.true(renderMarkdown(UNKNOWN).startsWith('### ❔ UNKNOWN'));
});
