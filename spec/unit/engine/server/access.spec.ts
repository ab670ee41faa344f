import test from 'ava';
import { allowOrigin, checkApiKey } from '../../../../engine/server/access.ts';

test('a request has the key of the server, if the server has one', (t) => {
  t.notThrows(() => checkApiKey(undefined, undefined));
  for (const header of ['Bearer secret', 'bearer   secret']) t.notThrows(() => checkApiKey('secret', header));
});

test('a missing key and another key are refused, and not repeated', (t) => {
  for (const [header, found] of [
    [undefined, 'found no API key'],
    ['secret', 'found no API key'],
    ['Basic secret', 'found no API key'],
    ['Bearer ', 'found another API key'],
    ['Bearer secre', 'found another API key'],
    ['Bearer secrets', 'found another API key'],
  ] as const) {
    const error = t.throws(() => checkApiKey('secret', header));
    t.like(error, { status: 401 });
    t.true(error.message.includes(found), error.message);
    t.notRegex(error.message, /secre/);
  }
});

function ask(allowed: string, method: string, origin?: string) {
  const headers: Record<string, unknown> = {};
  const reply = { header: (name: string, value: unknown) => Object.assign(headers, { [name]: value }) };
  const isQuestion = allowOrigin(allowed, { method, headers: { origin } }, reply as never);
  return { isQuestion, headers };
}

const PAGE = 'https://example.org';

test('the allowed origin may read answers, and ask with a key', (t) => {
  const answer = ask(PAGE, 'POST', PAGE);
  t.false(answer.isQuestion);
  t.deepEqual(answer.headers, { vary: 'Origin', 'access-control-allow-origin': PAGE });
  const question = ask(PAGE, 'OPTIONS', PAGE);
  t.true(question.isQuestion);
  t.is(question.headers['access-control-allow-headers'], 'Authorization, Content-Type');
});

test('another origin gets no header that allows it', (t) => {
  for (const origin of ['https://example.org.evil.net', 'null', undefined]) {
    t.deepEqual(ask(PAGE, 'OPTIONS', origin), { isQuestion: false, headers: { vary: 'Origin' } });
  }
  t.is(ask('*', 'GET', 'https://any.net').headers['access-control-allow-origin'], '*');
});
