import test from 'ava';
import { renderPage } from '../../../../../verify/report/html/page.ts';
import { RIGHT, UNKNOWN, WRONG } from '../../../../support/verify/sample-verdicts.ts';

test('the page begins with the verdict, and shows wrong cases before right ones', (t) => {
  const html = renderPage(WRONG);
  t.regex(html, /<h1><span class="word wrong">✘<\/span> WRONG: rusty &lt;qwen&gt; &amp; &quot;co&quot;/);
  t.true(html.indexOf('data-case="ids-longer"') < html.indexOf('data-case="ids-one"'));
  t.true(html.includes('parts first at hidden_states.2, position 64: got 0.53, expected 0.52'));
  t.true(html.includes('the largest regret is 1.7 nats at ids-longer, position 80, where 0.2 are allowed'));
});

test('noise of the classes and titles of the bugs are readable without a pointer', (t) => {
  const html = renderPage(RIGHT);
  t.true(html.includes('<td>bf16</td><td>0.045 nats</td><td>1.04</td><td>yes</td>'));
  t.true(html.includes('<td>4bit</td><td>1.56 nats, too large to judge by on this model</td>'));
  t.true(html.includes('<td>eps times 10</td><td>eps is ten times too large</td><td>cannot tell</td>'));
});

test('nothing of the page is fetched, and no script can run', (t) => {
  const html = renderPage(WRONG);
  t.true(html.includes(`content="default-src 'none'; style-src 'unsafe-inline'"`));
  t.notRegex(html, /<script|<link|<img|src=|url\(|href=/);
});

test('parts that were not checked say so in their place', (t) => {
  const html = renderPage(UNKNOWN);
  t.is(html.match(/Not checked\./g)?.length, 3, 'prompts, greedy tokens, consistency');
  t.false(html.includes('Known bugs'));
  t.true(renderPage({ ...RIGHT, unchecked: [] }).includes('Everything was checked.'));
});

test('prompts whose ids differ are listed with their likely cause', (t) => {
  const first = { what: 'prompt ids', position: 5, got: 'x', expected: 'y' };
  const wrong = {
    id: 'chat-system',
    verdict: 'wrong' as const,
    by: 'tokenize',
    first,
    cause: 'no generation prompt',
  };
  const html = renderPage({ ...RIGHT, prompt: { verdict: 'wrong', cases: [...RIGHT.prompt.cases, wrong] } });
  t.regex(html, /1 of 2 texts and conversations have HuggingFace(&#39;|')s ids/);
  t.true(html.includes('no generation prompt'));
});

test('more maps than fit the eye are folded away', (t) => {
  const cases = Array.from({ length: 8 }, (_, i) => ({ ...RIGHT.cases[0], id: `case-${i}` }));
  t.true(renderPage({ ...RIGHT, cases }).includes('<summary>2 more cases</summary>'));
});
