import test from 'ava';
import { ApiError } from '../../../../engine/server/api-error.ts';
import { formatRequest } from '../../../../engine/server/request-log.ts';

const REQUEST = {
  time: new Date('2026-01-02T03:04:05.678Z'),
  ...{ method: 'POST', path: '/v1/completions', status: 200, ms: 12.6, promptTokens: 3, completionTokens: 4 },
};

test('a request is one line, as text or as JSON, or nothing', (t) => {
  t.is(
    formatRequest(REQUEST, 'text'),
    '2026-01-02T03:04:05.678Z POST /v1/completions 200 13 ms, 3 + 4 tokens\n',
  );
  t.deepEqual(JSON.parse(formatRequest(REQUEST, 'json')), {
    ...REQUEST,
    time: '2026-01-02T03:04:05.678Z',
    ms: 13,
  });
  t.is(formatRequest(REQUEST, 'none'), '');
});

test('a line says why a request failed, and that a client left; it stays one line', (t) => {
  const failed = { ...REQUEST, promptTokens: 0, completionTokens: 0 };
  const error = new ApiError(400, 'bad\u001b[2J\nname');
  const begin = '2026-01-02T03:04:05.678Z POST /v1/completions';
  t.is(
    formatRequest({ ...failed, status: 400, error }, 'text'),
    `${begin} 400 13 ms: bad\\x1b[2J\\x0aname\n`,
  );
  t.is(formatRequest({ ...failed, path: '/\n' }, 'text'), '2026-01-02T03:04:05.678Z POST /\\x0a 200 13 ms\n');
  for (const [promptTokens, completionTokens] of [
    [0, 1],
    [1, 0],
  ]) {
    const line = formatRequest({ ...failed, promptTokens, completionTokens }, 'text');
    t.is(line, `${begin} 200 13 ms, ${promptTokens} + ${completionTokens} tokens\n`);
  }
  t.is(JSON.parse(formatRequest({ ...failed, error }, 'json')).error, error.message);
  t.is(formatRequest({ ...failed, status: undefined }, 'text'), `${begin} left 13 ms\n`);
  const bug = new ApiError(500, 'a bug', { cause: new TypeError('x is undefined') });
  t.regex(formatRequest({ ...failed, status: 500, error: bug }, 'text'), /TypeError: x is undefined/);
  const known = new ApiError(503, 'the server ends', { cause: new TypeError('not this') });
  t.is(JSON.parse(formatRequest({ ...failed, status: 503, error: known }, 'json')).error, 'the server ends');
  const long = 'a'.repeat(9999);
  const cut = { path: long.slice(0, 300), error: long.slice(0, 300) };
  const refused = { ...failed, path: long, status: 400, error: new ApiError(400, long) };
  t.like(JSON.parse(formatRequest(refused, 'json')), cut);
  t.is(formatRequest(refused, 'text'), `2026-01-02T03:04:05.678Z POST ${cut.path} 400 13 ms: ${cut.error}\n`);
});
