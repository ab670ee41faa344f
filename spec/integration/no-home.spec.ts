import { fileURLToPath } from 'node:url';
import test from 'ava';
import { CLI_PATH, ended, startNode } from '../support/processes/processes.ts';

const VERIFY = fileURLToPath(new URL('../../verify/cli.ts', import.meta.url));
const GOLDENS = fileURLToPath(new URL('../../generator/cli.ts', import.meta.url));

/** By command: its program, its arguments beside the model, and its exit code of an error. */
const COMMANDS: readonly (readonly [string, string, readonly string[], number])[] = [
  ['generate', CLI_PATH, ['generate', '--prompt', 'hello', '--max-tokens', '2'], 1],
  [
    'generate over two ranks',
    CLI_PATH,
    ['generate', '--prompt', 'hello', '--max-tokens', '2', '--tp', '2'],
    1,
  ],
  ['tokenize', CLI_PATH, ['tokenize', '--text', 'hello'], 1],
  ['info', CLI_PATH, ['info'], 1],
  ['serve', CLI_PATH, ['serve', '--port', '0'], 1],
  ['plumbline-verify', VERIFY, ['--module', './engine.ts'], 3],
  ['plumbline-verify smoke', VERIFY, ['smoke', '--module', './engine.ts'], 3],
  ['plumbline-goldens', GOLDENS, ['--check', '--only', 'ids-short'], 1],
];

for (const [name, program, args, failureCode] of COMMANDS) {
  test(`${name}: a home in which no folder can be made is named, and so is the variable for another`, async (t) => {
    // Not even root can make a folder in /proc.
    const env = { HOME: '/proc', PLUMBLINE_CACHE: undefined };
    const { exitCode, err } = await ended(startNode(program, [...args, '--model', 'dense'], { env }));
    t.is(exitCode, failureCode, err);
    t.regex(
      err,
      /: cannot write \/proc\/\.cache\/plumbline\/dense-\w+ \(\w+: .*, mkdir '.*'\); set PLUMBLINE_CACHE to a folder that can be written$/m,
    );
    t.notRegex(err, /unexpected/);
  });
}
