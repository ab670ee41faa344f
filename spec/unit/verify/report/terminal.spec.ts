import test from 'ava';
import { reasonOf, renderTerminal } from '../../../../verify/report/terminal.ts';
import { RIGHT, UNKNOWN, WRONG } from '../../../support/verify/sample-verdicts.ts';

test('the report of a right engine takes a few lines, with what was not checked', (t) => {
  const lines = renderTerminal(RIGHT).split('\n');
  t.is(lines[0], 'RIGHT: rusty-qwen 1.2.0 computes dense as bf16 does');
  t.true(lines.includes("prompt      1 of 1 texts and conversations have HuggingFace's ids"));
  t.true(lines.some((line) => line.startsWith('classes     noise in nats: f32 2.0e-6, ')));
  t.true(lines.includes('bugs        3 known bugs: 0 found, 2 ruled out, 1 cannot be told'));
  t.true(
    lines.includes(
      'greedy      right: 34 tokens, 1 near-ties; errors in their 34 rows are 1.02 times the noise',
    ),
  );
  t.true(lines.includes('consistency alone and among others: equal bits'));
  t.true(
    lines.includes(
      'consistency cold and after a prefix hit: right, at most 2.1e-7 nats apart, from ids-one position 3 on',
    ),
  );
  t.true(lines.includes('not checked: hidden states (the engine does not give them)'));
});

test('the report of a wrong engine has its reasons, the cases that part and the bug', (t) => {
  const lines = renderTerminal(WRONG).split('\n');
  t.is(lines[1], '  also: ids-longer: 26 times the noise of bf16 from position 64 on');
  t.true(lines.includes('  ✘ ids-longer: hidden_states.2, position 64: got 0.53, expected 0.52'));
  t.true(lines.includes('  ✘ ids-thousand: no answer: the program ended with exit code 139'));
  t.true(
    lines.includes(
      'bug         sliding window of 64: attention sees the last 64 <positions> only, coefficient 1 ± 0.01',
    ),
  );
});

test('checks that were not made are never reported as right', (t) => {
  const text = renderTerminal({
    ...UNKNOWN,
    consistency: [{ name: 'twice', verdict: 'unknown', equalBits: false, largest: null }],
  });
  for (const line of [
    'prompt      not checked',
    'precision   not checked',
    'greedy      not checked',
    'consistency twice: no answer',
  ])
    t.true(text.includes(line), line);
});

test('the first wrong prompt is shown with its place and its likely cause', (t) => {
  const first = { what: 'prompt ids', position: 0, got: 'Hello', expected: '<|im_start|>' };
  const cases = [
    { id: 'chat-one-user', verdict: 'wrong' as const, by: 'tokenize', first, cause: 'no chat template' },
  ];
  const text = renderTerminal({ ...RIGHT, prompt: { verdict: 'wrong', cases } });
  t.regex(
    text,
    /0 of 1 texts .*; chat-one-user: prompt ids, position 0: got "Hello", expected "<\|im_start\|>" \(no chat template\)/,
  );
});

test('a long list of cases is cut, with how many there are more', (t) => {
  const cases = Array.from({ length: 11 }, (_, i) => ({ ...WRONG.cases[2], id: `case-${i}` }));
  const text = renderTerminal({ ...WRONG, cases });
  t.true(text.includes('✘ case-7') && !text.includes('case-8') && text.includes('… and 3 more cases'));
});

test('a long list of reasons is cut', (t) => {
  const reasons = Array.from({ length: 7 }, (_, i) => `reason ${i}`);
  const lines = renderTerminal({ ...WRONG, reasons }).split('\n');
  t.deepEqual(lines.slice(1, 5), [
    '  also: reason 1',
    '  also: reason 2',
    '  also: reason 3',
    '  … and 3 more reasons',
  ]);
});

test('the reason of a case is its message where there is no place', (t) => {
  t.is(reasonOf({ id: 'a', verdict: 'wrong', outcome: 'result', message: 'NaN in row 3' }), 'NaN in row 3');
  t.is(reasonOf({ id: 'a', verdict: 'wrong', outcome: 'result' }), 'wrong');
  t.is(reasonOf({ id: 'a', verdict: 'unknown', outcome: 'skipped' }), 'skipped');
});
