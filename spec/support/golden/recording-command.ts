import { Argument } from 'commander';
import { runCommand } from '../../../engine/terminal/command.ts';
import { FIXTURES, QUICK_FIXTURES } from '../../../generator/fixtures/fixture-specs.ts';

/**
 * Runs this process as a command that records something of each fixture that its arguments name, of all quick
 * ones without arguments.
 *
 * @param name of the npm script.
 */
export async function recordingCommand(
  name: string,
  description: string,
  record: (fixture: string) => Promise<void>,
): Promise<void> {
  const { argv, stdout, stderr } = process;
  process.exitCode = await runCommand({
    ...{ name, argv: argv.slice(2), stdout, stderr },
    define: (program) =>
      program
        .description(description)
        .addArgument(
          new Argument('[fixtures...]', 'whose part is recorded; a large one must be named')
            .choices(Object.keys(FIXTURES))
            .default([...QUICK_FIXTURES]),
        )
        .action(async (fixtures: string[]) => {
          for (const fixture of fixtures) await record(fixture);
        }),
  });
}
