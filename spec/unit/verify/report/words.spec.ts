import test from 'ava';
import {
  bugsWith,
  classesSentence,
  describeBug,
  escapeMarkup,
  formatCoefficient,
  formatFigure,
  formatPlace,
  greedyRows,
  headline,
  powerSentence,
  precisionSentence,
  promptSentence,
} from '../../../../verify/report/words.ts';
import { RIGHT, UNKNOWN, WRONG } from '../../../support/verify/sample-verdicts.ts';

test('the headline says what is wrong first', (t) => {
  t.is(headline(RIGHT), 'RIGHT: rusty-qwen 1.2.0 computes dense as bf16 does');
  t.is(headline(WRONG), 'WRONG: rusty <qwen> & "co" 1.2.0 does not compute dense: a sliding window of 64');
  t.regex(headline(UNKNOWN), /^UNKNOWN: nothing could be concluded .* on dense: http.* refuses connections$/);
  const { version: _, ...subject } = RIGHT.subject;
  t.is(
    headline({ ...RIGHT, subject, precision: UNKNOWN.precision }),
    'RIGHT: rusty-qwen computes dense (precision not checked)',
  );
});

test('prompts whose number of tokens alone is known are not said to have the ids', (t) => {
  const one = { id: 'a', verdict: 'right' as const };
  const said = (...by: string[]) =>
    promptSentence({ verdict: 'right', cases: by.map((each) => ({ ...one, by: each })) });
  t.is(said('number of tokens'), "1 of 1 texts and conversations have as many tokens as HuggingFace's");
  t.is(said('number of tokens', 'tokenize'), "2 of 2 texts and conversations have HuggingFace's ids");
});

test('the sentence on precision names the class found and the class demanded', (t) => {
  t.is(precisionSentence(RIGHT), 'bf16; the median error is 1.04 times the noise of bf16');
  t.is(
    precisionSentence(WRONG),
    'no precision class explains the errors (bf16 was demanded); the median error is 1.04 times the noise of bf16',
  );
  const demanded = { ...RIGHT, precision: { ...RIGHT.precision, demanded: 'f16' as const } };
  t.is(
    precisionSentence(demanded),
    'bf16 (f16 was demanded); the median error is 1.04 times the noise of bf16',
  );
  t.is(precisionSentence(UNKNOWN), 'not checked');
  const none = { ...RIGHT, precision: { ...RIGHT.precision, class: 'none' as const } };
  t.is(
    precisionSentence(none),
    'no precision class explains the errors; the median error is 1.04 times the noise of the nearest class',
  );
});

test('the rows of greedy tokens are said where a subject has them', (t) => {
  t.is(greedyRows({}), '');
  t.is(
    greedyRows({ rows: { compared: 96, ratio: 1.0432 } }),
    '; errors in their 96 rows are 1.04 times the noise',
  );
  t.is(greedyRows({ rows: { compared: 1, ratio: null } }), '; errors in their 1 rows are – times the noise');
});

test('the sentence on classes has the noise of each, and which cannot be judged by', (t) => {
  t.is(
    classesSentence(RIGHT),
    'noise in nats: f32 2.0e-6, f16 0.006, bf16 0.045, 8bit 0.077, 4bit 1.56 (too large to judge by)',
  );
});

test('a bug is its name and its title, once if they are the same', (t) => {
  t.is(describeBug(RIGHT.bugs[0]), 'theta times 10: RoPE theta is ten times too large');
  t.is(describeBug({ name: 'x', title: 'x' }), 'x');
});

test('the sentence on power counts values and injected faults', (t) => {
  t.is(powerSentence(RIGHT), '15,744 values in 41 rows were compared; 6 of 6 injected faults were refused');
});

test('bugs of a verdict are sorted by the size of their coefficients', (t) => {
  const names = bugsWith(RIGHT, 'ruled out').map(({ name }) => name);
  t.deepEqual(names, ['norms of q and k swapped', 'theta times 10']);
  const unseen = {
    name: 'x',
    title: 'y',
    verdict: 'ruled out' as const,
    coefficient: null,
    standardError: null,
  };
  t.is(bugsWith({ ...RIGHT, bugs: [unseen, ...RIGHT.bugs] }, 'ruled out').at(-1), unseen);
});

test('figures have three significant digits, and small ones an exponent', (t) => {
  t.deepEqual([0, 0.98765, 24000.4, -0.00001234, null].map(formatFigure), [
    '0',
    '0.988',
    '24000',
    '-1.2e-5',
    '–',
  ]);
  t.is(formatCoefficient(WRONG.bugs[0]), '1 ± 0.01');
});

test('a negative figure is written as the positive one, with a minus', (t) => {
  // 0.0001 is the smallest without an exponent.
  for (const value of [0.53421, 24000.4, 3, 0.0001, 0.000099996, 0.0000999, 1.5e-7])
    t.is(formatFigure(-value), `-${formatFigure(value)}`);
  t.deepEqual([0.0001, 0.000099996, 0.000099].map(formatFigure), ['0.0001', '0.0001', '9.9e-5']);
  const opposite = { ...WRONG.bugs[0], coefficient: -0.53421, standardError: 0.012345 };
  t.is(formatCoefficient(opposite), '-0.534 ± 0.0123');
  const score = { what: 'logits', position: 3, got: -17.25831, expected: -0.5 };
  t.is(formatPlace(score), 'logits, position 3: got -17.3, expected -0.5');
});

test('a place shows numbers in short and texts in quotes', (t) => {
  t.is(formatPlace(WRONG.cases[2].first!), 'hidden_states.2, position 64: got 0.53, expected 0.52');
  const ids = { what: 'prompt ids', position: 1, got: 'a\n', expected: 'b' };
  t.is(formatPlace(ids), 'prompt ids, position 1: got "a\\n", expected "b"');
});

test('markup of engines stays text, and what XML forbids is replaced', (t) => {
  t.is(escapeMarkup('<a href="x">&\'\u0000\ud800'), '&lt;a href=&quot;x&quot;&gt;&amp;&#39;\ufffd\ufffd');
  // XML 1.0, production 2: of the control characters only tab, line feed and carriage return are allowed.
  for (let code = 0; code < 0x20; code++) {
    const character = String.fromCharCode(code);
    const expected = '\t\n\r'.includes(character) ? character : '\ufffd';
    t.is(escapeMarkup(character), expected, `U+${code.toString(16).padStart(4, '0')}`);
  }
  t.is(escapeMarkup('\ufffd\ufffe\uffff\u{10ffff}'), '\ufffd\ufffd\ufffd\u{10ffff}');
});
