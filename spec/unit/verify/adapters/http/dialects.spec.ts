import test from 'ava';
import { API_NAMES } from '../../../../../verify/adapters/http/dialect.ts';
import { DIALECTS } from '../../../../../verify/adapters/http/dialects.ts';

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
