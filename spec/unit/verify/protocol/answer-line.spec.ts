import test from 'ava';
import fc from 'fast-check';
import { answerProblem, ProtocolError, parseAnswerLine } from '../../../../verify/protocol/answer-line.ts';

test('type and id of an answer are read, whatever else it has', (t) => {
  t.like(parseAnswerLine(' {"type":"loaded","id":"r2"}\r'), { type: 'loaded', id: 'r2' });
  t.like(parseAnswerLine('{"id":"","type":"error","x":1}'), { type: 'error', id: '' });
});

test('a line that is no message is refused with its beginning and what was expected', (t) => {
  for (const [line, message] of [
    [
      'Loading model...',
      'standard output has a line that is not JSON: "Loading model..."; log to standard error',
    ],
    ['{"type":"loaded",', /is not JSON: "\{\\"type\\":\\"loaded\\","; log to standard error/],
    ['{"type":"forwarded","x":NaN}', /JSON has neither NaN nor Infinity$/],
    ['NaN loss', /log to standard error$/],
    [
      '[{"type":"loaded","id":"r1"}]',
      /a line that is no message: .*; expected an object whose type is started, loaded/,
    ],
    ['null', /a line that is no message: "null"/],
    ['{"type":"forward","id":"r1"}', /is no message/],
    ['{"type":"__proto__","id":"r1"}', /is no message/],
    ['{"type":"loaded"}', 'a message loaded has the id undefined; expected the string that the request has'],
    ['{"type":"loaded","id":1}', 'a message loaded has the id 1; expected the string that the request has'],
  ] as const) {
    t.throws(() => parseAnswerLine(line), { instanceOf: ProtocolError, message });
  }
});

test('any line is a message or a ProtocolError', (t) => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (line) => {
      try {
        answerProblem(parseAnswerLine(line));
      } catch (error) {
        t.true(error instanceof ProtocolError);
      }
      return true;
    }),
  );
  t.pass();
});

test('an error lists problems of an answer, three at most', (t) => {
  t.is(answerProblem({ type: 'loaded', id: 'r1' }), undefined);
  t.is(
    answerProblem({ type: 'tokenized', id: 'r1' }),
    'the answer tokenized is not as its schema says: ids: Invalid input: expected array, received undefined',
  );
  const many = parseAnswerLine('{"type":"tokenized","id":"r1","ids":["a","b","c","d","e"]}');
  t.regex(answerProblem(many) ?? '', /: ids\.0: .*; ids\.1: .*; ids\.2: .*; and 2 more$/);
});
