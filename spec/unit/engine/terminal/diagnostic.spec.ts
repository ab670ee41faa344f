import test from 'ava';
import {
  formatDiagnostic,
  setDiagnosticFormat,
  withTextDiagnostics,
} from '../../../../engine/terminal/diagnostic.ts';

const warning = { level: 'warning', message: 'two\nlines', prefix: 'plumbline: ' } as const;
const error = { ...warning, level: 'error' } as const;

test('a diagnostic is text, unless the format is set', (t) => {
  t.is(formatDiagnostic(warning, {}), 'plumbline: two\nlines\n');
  t.is(formatDiagnostic({ level: 'error', message: 'no prefix' }, {}), 'no prefix\n');
});

test('json is one line without the prefix, and none leaves errors alone', (t) => {
  const env = {};
  setDiagnosticFormat('json', env);
  const line = formatDiagnostic(error, env);
  t.is(line.indexOf('\n'), line.length - 1);
  const { time, ...rest } = JSON.parse(line);
  t.deepEqual(rest, { level: 'error', message: 'two\nlines' });
  t.is(new Date(time).toISOString(), time);
  t.is(formatDiagnostic(error, withTextDiagnostics(env)), 'plumbline: two\nlines\n');
  setDiagnosticFormat('none', env);
  t.is(formatDiagnostic(warning, env), '');
  t.is(formatDiagnostic(error, env), 'plumbline: two\nlines\n');
});
