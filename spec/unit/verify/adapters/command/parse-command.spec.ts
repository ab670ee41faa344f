import { spawnSync } from 'node:child_process';
import test from 'ava';
import fc from 'fast-check';
import { quote } from 'shlex';
import { UsageError } from '../../../../../engine/errors.ts';
import { parseCommand } from '../../../../../verify/adapters/command/parse-command.ts';

test('a command is split as a shell splits it', (t) => {
  for (const command of [
    'python3 engine.py --fast',
    `  'my engine' "a b"c 'd'"e" f\\ g  `,
    `sh -c 'echo "$HOME"' "it's"`,
    '"a\\"b" "a\\\\b" \'a\\b\' ""',
    `'a\\"b'"'"'c' "\\$x \\y \\\\" a\\ b\\\nc`,
  ]) {
    const script = `printf '%s\\n' ${command}`;
    const shell = spawnSync('sh', ['-c', script], { encoding: 'utf8' }).stdout.split('\n').slice(0, -1);
    t.deepEqual(parseCommand(command), shell, command);
  }
});

test('arguments that are quoted come back as they were', (t) => {
  fc.assert(
    fc.property(fc.array(fc.string({ minLength: 1 }), { minLength: 1 }), (argv) => {
      t.deepEqual(parseCommand(argv.map(quote).join(' ')), argv);
      t.deepEqual(parseCommand(argv), argv);
    }),
  );
});

test('nothing is expanded', (t) => {
  t.deepEqual(parseCommand('engine $HOME *.py | tee > x; y'), [
    'engine',
    '$HOME',
    '*.py',
    '|',
    'tee',
    '>',
    'x;',
    'y',
  ]);
});

test('an open quote and an empty command are refused', (t) => {
  t.throws(() => parseCommand('python3 "engine.py'), {
    instanceOf: UsageError,
    message: /^cannot split the command "python3 \\"engine\.py": /,
  });
  t.throws(() => parseCommand('engine \\'), {
    instanceOf: UsageError,
    message: /it has a backslash at its end$/,
  });
  for (const empty of ['', '  ', [], ['']]) {
    t.throws(() => parseCommand(empty), {
      instanceOf: UsageError,
      message: /^give a program and its arguments, .*; the command is empty$/,
    });
  }
});
