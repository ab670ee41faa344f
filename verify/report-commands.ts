import type { Command } from 'commander';
import { Option } from 'commander';
import type { Output } from '../engine/terminal/output.ts';
import { diffVerdicts, renderDiff } from './report/diff.ts';
import { EXPORTERS, type ReportFormat } from './report/exporters.ts';
import { readVerdict } from './report/read-verdict.ts';

/** Commands that read verdicts: `report` and `diff`. */
export function defineReports(
  program: Command,
  stdout: Output,
  setExitCode: (exitCode: number) => void,
): void {
  program
    .command('report')
    .description('Render a verdict that --json has written.')
    .argument('<file>', 'the verdict')
    .addOption(
      new Option('--format <name>', 'render it so').choices(Object.keys(EXPORTERS)).default('terminal'),
    )
    .action((file: string, { format }: { format: ReportFormat }) => {
      stdout.write(EXPORTERS[format](readVerdict(file)));
    });
  program
    .command('diff')
    .description('Compare two verdicts. Exit code 1: something is worse in the new one.')
    .argument('<old>', 'the earlier verdict')
    .argument('<new>', 'the later one')
    .action((before: string, after: string) => {
      const [old, now] = [readVerdict(before), readVerdict(after)];
      stdout.write(renderDiff(old, now));
      if (diffVerdicts(old, now).worse.length > 0) setExitCode(1);
    });
}
