import test from 'ava';
import { allowOrigin, checkApiKey } from '../../../../engine/server/access.ts';
import { ApiError } from '../../../../engine/server/api-error.ts';

test('a request has the key of the server, if the server has one', (t) => {
  t.notThrows(() => checkApiKey(undefined, undefined));
  for (const header of ['Bearer secret', 'bearer   secret']) t.notThrows(() => checkApiKey('secret', header));
});

const ANOTHER = 'found another API key than the server has';

test('a missing key and another key are refused, and not repeated', (t) => {
  for (const [header, found] of [
    [undefined, 'found no API key'],
    ['secret', 'found no API key'],
    ['Basic secret', 'found no API key'],
    ['Bearer ', ANOTHER],
    ['Bearer secre', ANOTHER],
    ['Bearer secrets', ANOTHER],
    ['Bearer SECRET', ANOTHER],
    ['xBearer secret', 'found no API key'],
    ['Bearersecret', 'found no API key'],
  ] as const) {
    const error = t.throws(() => checkApiKey('secret', header), {
      instanceOf: ApiError,
      message: `cannot admit the request: ${found}; send "Authorization: Bearer KEY"`,
    });
    t.like(error, { status: 401, param: undefined });
  }
});

function ask(allowed: string, method: string, origin?: string) {
  const headers: Record<string, unknown> = {};
  const reply = { header: (name: string, value: unknown) => Object.assign(headers, { [name]: value }) };
  const isQuestion = allowOrigin(allowed, { method, headers: { origin } }, reply as never);
  return { isQuestion, headers };
}

const PAGE = 'https://example.org';
const allowed = (origin: string) => ({
  'access-control-allow-origin': origin,
  'access-control-allow-methods': 'GET, POST',
  'access-control-allow-headers': 'Authorization, Content-Type',
  'access-control-max-age': 600,
});

test('the allowed origin may read answers, and ask with a key', (t) => {
  const answer = ask(PAGE, 'POST', PAGE);
  t.false(answer.isQuestion);
  t.deepEqual(answer.headers, { vary: 'Origin', 'access-control-allow-origin': PAGE });
  t.deepEqual(ask(PAGE, 'OPTIONS', PAGE), {
    isQuestion: true,
    headers: { vary: 'Origin', ...allowed(PAGE) },
  });
  t.deepEqual(ask('*', 'OPTIONS', PAGE), { isQuestion: true, headers: allowed('*') });
});

test('another origin gets no header that allows it', (t) => {
  for (const origin of ['https://example.org.evil.net', 'null', undefined]) {
    t.deepEqual(ask(PAGE, 'OPTIONS', origin), { isQuestion: false, headers: { vary: 'Origin' } });
  }
  for (const method of ['GET', 'POST']) {
    const any = { isQuestion: false, headers: { 'access-control-allow-origin': '*' } };
    t.deepEqual(ask('*', method, 'https://any.net'), any);
  }
  t.deepEqual(ask('*', 'OPTIONS'), { isQuestion: false, headers: {} });
});
