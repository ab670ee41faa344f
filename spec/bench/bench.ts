/** `npm run bench`: measures our engine, its peers and the limits of the machine in turn, in one run. */
import { availableParallelism } from 'node:os';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { positiveWholeNumber } from '../../engine/cli/arguments.ts';
import { runCommand } from '../../engine/terminal/command.ts';
import { onInterrupt } from '../../engine/terminal/interrupt.ts';
import { exitOnOutputError } from '../../engine/terminal/output.ts';
import { createProgress } from '../../engine/terminal/progress.ts';
import { writeWhole } from '../../engine/terminal/write-whole.ts';
import { SUITES, type SuiteName } from './figure.ts';
import { MPIS } from './parallel/run-ranks.ts';
import { PEERS } from './peers/catalogue.ts';
import { FULL, QUICK } from './profile.ts';
import { checkWritable } from './report/file.ts';
import { formatTable } from './report/table.ts';

interface Options {
  suite: SuiteName[];
  quick?: boolean;
  model?: string;
  threads: number;
  revectorize?: boolean;
  subjects: string[];
  rounds?: number;
  llama?: string;
  json?: string;
  html?: string;
}

const SUBJECTS = PEERS.filter(({ isOurs }) => !isOurs).map(({ id }) => id);

const define = (program: Command, setExitCode: (exitCode: number) => void): void => {
  program
    .description('Measure the engine, its peers and the limits of the machine, in turn in one run.')
    .option(
      '--suite <names>',
      `what to measure, separated by commas: ${SUITES.join(', ')}`,
      listOf(SUITES),
      SUITES as unknown as SuiteName[],
    )
    .option(
      '--quick',
      `a small model (${QUICK.model}) in under two minutes; without it ${FULL.model} in under twenty`,
    )
    .option('--model <model>', 'a fixture, a model directory or a hub id, in place of that model')
    .option('--threads <n>', 'threads of every subject', positiveWholeNumber, availableParallelism())
    .option('--no-revectorize', 'our engine without 256-bit vectors, as plumbline --no-revectorize')
    .option(
      '--subjects <names>',
      `who takes part, separated by commas: ${SUBJECTS.join(', ')}`,
      listOf(SUBJECTS),
      SUBJECTS,
    )
    .option('--rounds <n>', 'how often each is measured at most (default: 5)', positiveWholeNumber)
    .addOption(
      new Option(
        '--llama <dir>',
        'the folder in whose node_modules node-llama-cpp is (default: this project)',
      ).env('PLUMBLINE_LLAMA'),
    )
    .option('--json <file>', 'write all figures as JSON')
    .option('--html <file>', 'write a page with plots, which needs nothing beside itself')
    .addHelpText(
      'after',
      `
Beside the engine: transformers.js on onnxruntime-node, onnxruntime-web in WebAssembly, llama.cpp by node-llama-cpp.
Each subject runs in a process of its own, and they are measured in turn. Figures are medians with quartiles; each is
held to the others and to what a plain WebAssembly loop reaches on this machine in the same run. A subject that cannot
be had is left out with a word. The suite "parallel" holds the engine over two ranks to one process with as many threads,
and collectives, of child processes and of the MPIs that are installed, to plain messages. Measure on a machine that does
nothing else; a full run holds all subjects in memory at once, 12 GB of it.

Exit codes: 0 done, 1 a failure (of the engine itself, not of a peer), 2 wrong usage, 130 or 143 interrupted.

Examples:
  npm run bench -- --quick --html bench.html
  npm run bench -- --suite latency,memory --threads 2 --json bench.json
  npm run bench -- --subjects plumbline,node-llama-cpp --llama ~/peers
  npm run bench -- --quick --no-revectorize

node-llama-cpp is not installed with the project. To have it take part:
  NODE_LLAMA_CPP_SKIP_DOWNLOAD=true npm i --no-save node-llama-cpp@3.22.1 @node-llama-cpp/linux-x64@3.22.1 --omit=optional`,
    )
    .action(async (options: Options) => setExitCode(await run(options)));
};

/** A parser of names separated by commas. @throws InvalidArgumentError if one is not among `names`. */
function listOf<Name extends string>(names: readonly Name[]): (text: string) => Name[] {
  return (text) =>
    text.split(',').map((given) => {
      const found = names.find((name) => name === given.trim());
      if (found) return found;
      throw new InvalidArgumentError(`There is no "${given}"; there are ${names.join(', ')}.`);
    });
}

/** Whether it is a peer or an MPI, and not our own engine, or one of its kernels or batches. */
function isOther(subject: string): boolean {
  if (MPIS.some((name) => name === subject)) return true;
  return PEERS.slice(1).some(({ id, title }) => subject === id || subject === title);
}

/** @returns the exit code. */
async function run(options: Options): Promise<number> {
  const {
    suite: suites,
    threads,
    revectorize = true,
    subjects,
    llama: llamaDir,
    rounds,
    json,
    html,
  } = options;
  for (const file of [json, html]) if (file !== undefined) checkWritable(file);
  const defaults = options.quick ? QUICK : FULL;
  const profile = { ...defaults, rounds: rounds ?? defaults.rounds };
  const progress = await createProgress(process.stderr);
  // The peers end with this process.
  const stopListening = onInterrupt(process, ({ exitCode }) => {
    progress.hide();
    process.exit(exitCode);
  });
  try {
    // Imported when it is needed, so that help and wrong usage are quick.
    const { runBench } = await import('./run.ts');
    const report = await runBench({
      profile,
      suites,
      model: options.model ?? profile.model,
      threads,
      revectorize,
      subjects,
      llamaDir,
      report: progress.show,
    });
    progress.hide();
    process.stdout.write(formatTable(report));
    if (json !== undefined) writeWhole(json, `${JSON.stringify(report, null, 2)}\n`);
    if (html !== undefined) {
      const [{ drawCharts }, { formatPage }] = await Promise.all([
        import('./report/charts.ts'),
        import('./report/page.ts'),
      ]);
      writeWhole(html, formatPage(report, await drawCharts(report.figures)));
    }
    return report.skipped.every(({ subject }) => isOther(subject)) ? 0 : 1;
  } finally {
    progress.hide();
    stopListening();
  }
}

exitOnOutputError('bench');
process.exitCode = await runCommand({
  name: 'bench',
  define,
  argv: process.argv.slice(2),
  stdout: process.stdout,
  stderr: process.stderr,
});
