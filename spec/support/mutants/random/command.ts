/** `npm run mutants`: edits the sources at random, and lists the edits that the nearest specs did not see. */
import { globSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import seedrandom from 'seedrandom';
import { positiveWholeNumber } from '../../../../engine/cli/arguments.ts';
import { UsageError } from '../../../../engine/errors.ts';
import { runCommand } from '../../../../engine/terminal/command.ts';
import { interruptible, SignalReceiver } from '../../../../engine/terminal/interrupt.ts';
import { exitOnOutputError } from '../../../../engine/terminal/output.ts';
import { type Edit, lineOf } from './edits.ts';
import { nearestSpecs } from './nearest-specs.ts';
import { type Outcome, SourceCopy } from './source-copy.ts';

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));
/** ms; most nearest specs take less than ten seconds. */
const LIMIT = 180_000;

interface Options {
  random: number;
  seed: number;
  json?: string;
}

interface Survivor extends Edit {
  line: number;
  specs: string[];
}

const define = (program: Command, setExitCode: (exitCode: number) => void): void => {
  program
    .description(
      'Edit the sources at random, one edit at a time, and list what the nearest specs do not see.',
    )
    .argument('[paths...]', 'where to edit, as the beginning of a path', ['engine/'])
    .requiredOption('--random <n>', 'how many edits', positiveWholeNumber)
    .option('--seed <n>', 'the same seed chooses the same edits of the same sources', positiveWholeNumber, 1)
    .option('--json <file>', 'write the edits that survived as JSON')
    .addHelpText(
      'after',
      `
The edits are made in a copy of the working tree in the temporary folder, which is removed at the end. An edit is caught
if a spec of the file's name, or else one of its part, is red or does not end within ${LIMIT / 1000} s, or if the types are
wrong. What survives is either no bug (the edit changes nothing that can be seen) or a hole in the suite. An edit takes 5 to
40 s. Edited code runs with your rights; what is killed, removed and renamed is not edited.

Exit codes: 0 all were caught, 1 some survived, 2 wrong usage, 130 or 143 interrupted.

Examples:
  npm run mutants -- --random 100
  npm run mutants -- --random 20 --seed 7 --json survivors.json engine/serving/ engine/kernels/assembly/`,
    )
    .action(async (paths: string[], options: Options) => {
      const survivors = await interruptible(new SignalReceiver(), (signal) => run(paths, options, signal));
      setExitCode(survivors.length > 0 ? 1 : 0);
    });
};

async function run(paths: readonly string[], options: Options, signal: AbortSignal): Promise<Survivor[]> {
  const files = globSync('{engine,generator,golden,verify}/**/*.ts', { cwd: ROOT })
    .filter((file) => paths.some((path) => file.startsWith(path)))
    .sort();
  if (files.length === 0) throw new UsageError(`no source begins with ${paths.join(' or ')}`);
  const copy = new SourceCopy(ROOT, signal);
  try {
    await copy.buildKernels();
    const chosen = choose(copy.edits(files), options.random, options.seed);
    const survivors: Survivor[] = [];
    const green = new Set<string>();
    for (const [i, edit] of chosen.entries()) {
      const line = lineOf(copy.read(edit.file), edit);
      const specs = nearestSpecs(copy.root, edit.file);
      for (const group of specs) await requireGreen(copy, group, green);
      const { outcome, spec } = await tryEdit(copy, edit, specs);
      process.stderr.write(
        `${i + 1} of ${chosen.length}  ${edit.file}:${line}  ${edit.kind}  ${outcome === 'green' ? 'SURVIVED' : `${outcome}: ${spec}`}\n`,
      );
      if (outcome !== 'green') continue;
      survivors.push({ ...edit, line, specs: specs.flat() });
      process.stdout.write(`${describe(edit, line)}\n`);
    }
    const caught = chosen.length - survivors.length;
    process.stdout.write(`${caught} of ${chosen.length} edits were caught, seed ${options.seed}\n`);
    if (options.json) {
      const report = { seed: options.seed, tried: chosen.length, caught, survivors };
      writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
    }
    return survivors;
  } finally {
    copy.remove();
  }
}

/**
 * Runs specs without an edit, once: what is red in any case would catch everything.
 *
 * @throws Error if they are not green.
 */
async function requireGreen(copy: SourceCopy, specs: readonly string[], green: Set<string>): Promise<void> {
  const key = specs.join(' ');
  if (green.has(key)) return;
  const outcome = await copy.test(specs, LIMIT);
  if (outcome !== 'green') throw new Error(`cannot judge edits by ${key}: ${outcome} without an edit`);
  green.add(key);
}

/** Different edits, in a random order. */
function choose(edits: readonly Edit[], count: number, seed: number): Edit[] {
  const random = seedrandom.alea(String(seed));
  const left = [...edits];
  return Array.from(
    { length: Math.min(count, left.length) },
    () => left.splice(Math.floor(random() * left.length), 1)[0],
  );
}

/** @returns what became of it, and the specs that saw it. */
async function tryEdit(
  copy: SourceCopy,
  edit: Edit,
  groups: readonly (readonly string[])[],
): Promise<{ outcome: Outcome; spec: string }> {
  const isCompiled = /^engine\/kernels\/(assembly\/|abi\.ts)/.test(edit.file);
  try {
    return await copy.withEdit(edit, async () => {
      if (isCompiled && !(await copy.buildKernels())) return { outcome: 'red', spec: 'the compiler' };
      for (const specs of groups) {
        const outcome = await copy.test(specs, LIMIT);
        if (outcome !== 'green') return { outcome, spec: specs.join(' ') };
      }
      // Last, because it takes as long as the specs do, and most edits have the right types.
      if (!(await copy.hasTypes())) return { outcome: 'red', spec: 'the types' };
      return { outcome: 'green', spec: '' };
    });
  } finally {
    if (isCompiled && !copy.isEnded) await copy.buildKernels();
  }
}

function describe({ file, kind, before, after }: Edit, line: number): string {
  const indented = (text: string) => text.split('\n').join('\n      ');
  return `${file}:${line}  ${kind}\n    - ${indented(before)}\n    + ${indented(after)}`;
}

// The machine stays usable; children inherit it.
setPriority(10);
exitOnOutputError('mutants');
process.exitCode = await runCommand({
  name: 'mutants',
  define,
  argv: process.argv.slice(2),
  stdout: process.stdout,
  stderr: process.stderr,
});
