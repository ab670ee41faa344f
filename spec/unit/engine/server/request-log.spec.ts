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
  t.regex(formatRequest({ ...failed, status: 400, error }, 'text'), / 400 13 ms: bad\\x1b\[2J\\x0aname\n$/);
  t.is(JSON.parse(formatRequest({ ...failed, error }, 'json')).error, error.message);
  t.regex(formatRequest({ ...failed, status: undefined }, 'text'), / left 13 ms\n$/);
  const bug = new ApiError(500, 'a bug', { cause: new TypeError('x is undefined') });
  t.regex(formatRequest({ ...failed, status: 500, error: bug }, 'text'), /TypeError: x is undefined/);
  const known = new ApiError(503, 'the server ends', { cause: new TypeError('not this') });
  t.is(JSON.parse(formatRequest({ ...failed, status: 503, error: known }, 'json')).error, 'the server ends');
  t.true(formatRequest({ ...failed, path: `/${'a'.repeat(9999)}` }, 'text').length < 400);
});
