import test from 'ava';
import { addFailureSource } from '../../../support/ava/failure-source.ts';

const stack = `Error: x
    at ExecutionContext.is (file:///p/node_modules/ava/lib/assert.js:3:4)
    at file:///p/spec/unit/a.spec.ts:12:5
    at file:///p/spec/unit/b.spec.ts:7:8`;

test('an error without a source gets the first line of a spec in its stack', (t) => {
  const message = { ava: { err: { source: null, stack } } };
  addFailureSource(message);
  t.deepEqual<unknown, unknown>(message.ava.err.source, {
    file: 'file:///p/spec/unit/a.spec.ts',
    line: 12,
    isDependency: false,
    isWithinProject: true,
  });
});

test('a source that AVA found, an error that no spec threw, and other messages stay as they are', (t) => {
  for (const message of [
    { ava: { err: { source: { file: 'f', line: 1, isDependency: false, isWithinProject: true }, stack } } },
    { ava: { err: { source: null, stack: 'Error\n    at file:///p/engine/config.ts:1:2' } } },
    { ava: { err: { source: null } } },
    { ava: { err: { stack } } },
    { ava: {} },
    {},
  ]) {
    const before = structuredClone(message);
    addFailureSource(message);
    t.deepEqual(message, before);
  }
});
