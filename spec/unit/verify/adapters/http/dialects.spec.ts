import test from 'ava';
import {
  API_NAMES,
  type Ask,
  type Dialect,
  type Question,
} from '../../../../../verify/adapters/http/dialect.ts';
import { DIALECTS } from '../../../../../verify/adapters/http/dialects.ts';
import { expectText } from '../../../../support/verify/expected-text.ts';

/** What is asked of a server, by name. */
const QUESTIONS: Readonly<Record<string, Partial<Question>>> = {
  greedy: {},
  'without scores': { top: 0 },
  'of a text': { prompt: { text: 'hi' } },
  'with rows of the prompt': { promptRows: true },
  'without rows of the prompt': { promptRows: false },
  warm: { sampling: { temperature: 2 } },
  'of one token': { sampling: { temperature: 1, topK: 1 } },
  'with a forced token': { forcedToken: 7 },
};
const CONVERSATIONS = [
  { messages: [{ role: 'user', content: 'hi' }] },
  {
    messages: [{ role: 'user', content: 'hi' }],
    ...{ tools: [{ type: 'function' }], enableThinking: false, addGenerationPrompt: false },
  },
  { messages: [{ role: 'user', content: 'hi' }], enableThinking: true },
];

/** Every request of a dialect, a line of JSON each. */
async function requestsOf(dialect: Dialect): Promise<string[]> {
  const lines: string[] = [];
  const note = (name: string, request: object) => lines.push(`${name}: ${JSON.stringify(request)}`);
  for (const [name, question] of Object.entries(QUESTIONS)) {
    const whole = { asked: name, prompt: { ids: [1, 2] }, maxNewTokens: 3, top: 5, ...question };
    const request = dialect.completionRequest(whole, 'm');
    note(name, request);
    const body = dialect.stream?.body(request.body as Record<string, unknown>);
    if (body && name === 'greedy') note('streamed', { path: dialect.stream?.path, body });
  }
  const ask: Ask = async (request) => {
    note('tokenizer', request);
    return request.path === '/apply-template' ? { prompt: 'rendered' } : { tokens: [1] };
  };
  // What they answer does not matter here.
  await dialect.tokenize?.(ask, 'hi', 'm').catch(() => {});
  for (const conversation of CONVERSATIONS) await dialect.tokenizeChat?.(ask, conversation, 'm');
  return lines;
}

for (const [name, dialect] of Object.entries(DIALECTS)) {
  test(`${name}: every request, whole`, async (t) => {
    expectText(t, `${(await requestsOf(dialect)).join('\n')}\n`, name, import.meta.url);
  });
}

test('each dialect is found under its own name, and the most general is looked for last', (t) => {
  for (const [name, dialect] of Object.entries(DIALECTS)) t.is(dialect.name, name as typeof dialect.name);
  t.deepEqual(Object.keys(DIALECTS), [...API_NAMES]);
});

test('each dialect asks for the most tokens first, and says what to set at the server', (t) => {
  for (const { tops, prompts, rawScoresAdvice } of Object.values(DIALECTS)) {
    t.deepEqual(
      tops,
      tops.toSorted((a, b) => b - a),
    );
    t.true(prompts.length > 0);
    t.regex(rawScoresAdvice, /^(set|start|use) /);
  }
});
