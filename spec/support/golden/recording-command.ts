import { Argument, type Command } from 'commander';
import { runCommand } from '../../../engine/terminal/command.ts';
import { FIXTURES, QUICK_FIXTURES } from '../../../generator/fixtures/fixture-specs.ts';

/**
 * Runs this process as a command that records something of each fixture that its arguments name, of all quick
 * ones without arguments.
 *
 * @param name of the npm script.
 */
export function recordingCommand(
  name: string,
  description: string,
  record: (fixture: string) => Promise<void>,
): Promise<void> {
  return scriptCommand(name, description, (program) =>
    program
      .addArgument(
        new Argument('[fixtures...]', 'whose part is recorded; a large one must be named')
          .choices(Object.keys(FIXTURES))
          .default([...QUICK_FIXTURES]),
      )
      .action(async (fixtures: string[]) => {
        for (const fixture of fixtures) await record(fixture);
      }),
  );
}

/**
 * Runs this process as an npm script with `--help`, which refuses arguments that it does not know: exit code
 * 2.
 *
 * @param define adds arguments and the action.
 */
export async function scriptCommand(
  name: string,
  description: string,
  define: (program: Command) => void,
): Promise<void> {
  const { argv, stdout, stderr } = process;
  process.exitCode = await runCommand({
    ...{ name, argv: argv.slice(2), stdout, stderr },
    define: (program) => define(program.description(description)),
  });
}
