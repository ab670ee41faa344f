import test from 'ava';
import { readEvents } from '../../../../../verify/adapters/http/events.ts';
import { SubjectError } from '../../../../../verify/errors.ts';

test('server-sent events are read, with comments, other fields and the end left out', (t) => {
  const text =
    ': ping\r\nevent: part\r\ndata: {"a":1}\r\n\r\nid: 7\ndata:{"b":[2]}\n\nretry: 10\rdata: {"error":null}\r\rdata: [DONE]\n\n';
  t.deepEqual(readEvents('generate', text), [{ a: 1 }, { b: [2] }, { error: null }]);
});

test('a JSON in each line is an event each', (t) => {
  t.deepEqual(readEvents('generate', '{"a":1}\n{"a":2}\n'), [{ a: 1 }, { a: 2 }]);
});

test('half an event, an error and no event at all are refused by name', (t) => {
  for (const [text, message] of [
    ['data: {"a":1}\n\ndata: {"b"', /generate: an event of the answer is not JSON: \{"b"/],
    ['data: {"error":{"message":"too long"}}\n\n', /an event of the answer is an error: .*too long/],
    ['data: [DONE]\n\n', /no events; expected at least one/],
    ['', /no events/],
  ] as const)
    t.throws(() => readEvents('generate', text), { instanceOf: SubjectError, message });
});
