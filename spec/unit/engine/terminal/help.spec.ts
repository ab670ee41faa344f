import { EventEmitter } from 'node:events';
import test from 'ava';
import { run as runEngine } from '../../../../engine/cli/program.ts';
import { run as runGoldens } from '../../../../generator/program.ts';
import { run as runVerify } from '../../../../verify/program.ts';
import { FakeOutput } from '../cli/support.ts';

type Run = (argv: readonly string[], io: never) => Promise<number>;

const COLUMNS = 80;
const programs: [name: string, run: Run, commands: readonly string[]][] = [
  ['plumbline', runEngine, ['', 'generate', 'serve', 'logits', 'tokenize', 'info']],
  ['plumbline-verify', runVerify, ['', 'report', 'diff', 'smoke', 'inspect']],
  ['plumbline-goldens', runGoldens, ['', 'export']],
];

for (const [name, run, commands] of programs) {
  test(`the examples and the prose of ${name} --help fit a terminal of ${COLUMNS} columns`, async (t) => {
    for (const command of commands) {
      const stdout = Object.assign(new FakeOutput(), { columns: COLUMNS });
      const io = { stdout, stderr: new FakeOutput(), env: {}, signals: new EventEmitter() };
      await run([...(command ? [command] : []), '--help'], io as never);
      // An option's list of choices is one word of any length.
      const wide = stdout.text.split('\n').filter((line) => line.length > COLUMNS && !line.includes('"'));
      t.deepEqual(wide, [], `${name} ${command}`);
      t.true(stdout.text.startsWith(`Usage: ${name} ${command}`), stdout.text);
    }
  });
}
