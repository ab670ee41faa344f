import type { Command } from 'commander';
import { Option } from 'commander';
import { UsageError } from '../engine/errors.ts';
import { interruptible } from '../engine/terminal/interrupt.ts';
import type { Output } from '../engine/terminal/output.ts';
import { createProgress, type Progress } from '../engine/terminal/progress.ts';
import { writeWhole } from '../engine/terminal/write-whole.ts';
import { readPromptsFile } from '../golden/goldens.ts';
import { readKnownFailing } from './cases/known-failing.ts';
import { CHECKS, parseChecks } from './checks.ts';
import type { CommandIo } from './command-io.ts';
import { concludeNothing } from './conclude.ts';
import { isConsistencyAlone, judgeConsistencyAlone } from './consistency-alone.ts';
import { NoAnswerError, SubjectError } from './errors.ts';
import { PRECISION_CLASSES, type PrecisionClass } from './precision.ts';
import { EXPORTERS, type ReportFormat } from './report/exporters.ts';
import { adapterOf, addSubjectFlags, nameOf, openSubject, type SubjectFlags } from './subject-flags.ts';
import type { Verdict } from './verdict.ts';
import type { VerifyModel } from './verify.ts';

/** Exit codes beside 2 for wrong usage. */
const EXIT_CODES: Readonly<Record<Verdict['verdict'], number>> = { right: 0, wrong: 1, unknown: 3 };

interface JudgeFlags extends SubjectFlags {
  /** Absent only if consistency alone is checked. */
  readonly model: string;
  readonly prompts?: string;
  readonly run?: readonly string[];
  readonly skip?: readonly string[];
  readonly knownFailing?: string;
  readonly precision?: PrecisionClass;
  readonly checks?: readonly string[];
  readonly json?: string;
  readonly junit?: string;
  readonly html?: string;
  readonly markdown?: string;
  readonly badge?: string;
}

/** Files that a run can write, by the names of their flags. */
const FILES = ['json', 'junit', 'html', 'markdown', 'badge'] as const satisfies readonly ReportFormat[];

/** The command itself: judges an engine. */
export function defineJudge(program: Command, io: CommandIo, setExitCode: (exitCode: number) => void): void {
  const command = program
    // What stands after the name of another command is that command's: `inspect` has a --model of its own.
    .enablePositionalOptions()
    .description('Judge an LLM engine: is it right, at which precision, and which known bug has it if not.')
    .option(
      '--model <name>',
      'a fixture such as dense, a model directory, or a hub id; required but for --checks consistency',
    );
  addSubjectFlags(command)
    .option('--prompts <file>', 'ask these prompts, in the form of golden/prompts.json')
    .option('--run <patterns...>', 'ask only the cases whose ids fit, such as chat-*')
    .option('--skip <patterns...>', 'leave out the cases whose ids fit')
    .option('--known-failing <file>', 'let the cases fail whose ids stand in this file, one a line')
    .addOption(new Option('--precision <class>', 'demand this precision').choices([...PRECISION_CLASSES]))
    .option('--checks <names...>', `make only these checks: ${CHECKS.join(', ')}`)
    .option('--json <file>', 'write the verdict as JSON; - is standard output')
    .option('--junit <file>', 'write it as JUnit XML')
    .option('--html <file>', 'write it as a page with maps of the errors')
    .option('--markdown <file>', 'write it as a summary for a CI job')
    .option('--badge <file>', 'write it as a badge for shields.io')
    .addHelpText(
      'after',
      `
Without --module, --command, --dump or --url, Plumbline's own engine is judged.

--checks consistency alone asks whether the engine answers the same however it is asked. It needs no reference,
so that it takes any model of any family, and with --url, --command or --module no --model.

Exit codes: 0 right, 1 wrong, 2 wrong usage, 3 nothing could be concluded, 130 or 143 after Ctrl-C or SIGTERM.
An interrupted run stops at once; its verdict is "unknown", and the reports say what was done until then.

Examples:
  plumbline-verify --model dense --command "python3 my_engine.py"
  plumbline-verify --model Qwen/Qwen3-0.6B --url http://127.0.0.1:8000 \\
    --precision bf16 --html report.html
  plumbline-verify --checks consistency --url http://127.0.0.1:8000
  plumbline-verify report verdict.json --format markdown`,
    )
    .action(async (flags: JudgeFlags) => {
      if (flags.model === undefined && !isConsistencyAlone(flags.checks))
        throw new UsageError('give the model: --model dense, a directory or a hub id');
      const progress = await createProgress(io.stderr);
      await interruptible(io.signals, async (signal) => {
        signal.addEventListener('abort', () => {
          progress.hide();
          io.stderr.write(
            'plumbline-verify: concluding from the answers so far; a second signal ends it at once\n',
          );
        });
        try {
          const verdict = await judged(flags, io, progress, signal);
          progress.hide();
          writeReports(flags, verdict, io.stdout);
          setExitCode(EXIT_CODES[verdict.verdict]);
        } finally {
          progress.hide();
        }
      });
    });
}

async function judged(
  flags: JudgeFlags,
  io: CommandIo,
  progress: Progress,
  signal: AbortSignal,
): Promise<Verdict> {
  const { run, skip, precision, concurrency } = flags;
  const checks = flags.checks && parseChecks(flags.checks);
  const onProgress = (text: string) => progress.show(text);
  const onNote = (note: string) => io.stderr.write(`plumbline-verify: ${note}\n`);
  const isAlone = isConsistencyAlone(checks);
  const model: VerifyModel = isAlone
    ? { name: flags.model ?? 'the model that it has', source: 'any', modelDir: '' }
    : await io.findModel(flags.model, signal);
  const prompts = flags.prompts === undefined ? undefined : readPromptsFile(flags.prompts);
  // Imported when it is needed, so that help and wrong usage are quick.
  const { loadCases, verify } = await import('./verify.ts');
  try {
    if (isAlone) {
      const findDir = async (name: string) => (await io.findModel(name, signal)).modelDir;
      return await judgeConsistencyAlone(flags, { signal, onProgress, onNote, findDir });
    }
    const load = () => loadCases(model, { run, skip, prompts, signal, onProgress });
    // Files are read for the cases that are asked. Any other engine that cannot be asked is reported before
    // our engine computes anything.
    const dumped = flags.dump === undefined ? undefined : await load();
    const opened = await openSubject(flags, {
      ...{ model: flags.model, cases: dumped?.cases ?? [], signal },
      onNote,
    });
    try {
      onProgress(`asking ${opened.subject.info.name}`);
      await opened.subject.reach?.(model.modelDir);
      const cases = dumped ?? (await load());
      const ids = cases.cases.map(({ id }) => id);
      const knownFailing =
        flags.knownFailing === undefined ? undefined : readKnownFailing(flags.knownFailing, ids);
      return await verify({
        ...{ model, cases, signal, onProgress, checks, precision, concurrency, knownFailing },
        ...{ subject: opened.subject, adapter: opened.adapter },
      });
    } finally {
      await opened.close();
    }
  } catch (error) {
    if (signal.aborted) return nothingAsked(flags, model, signal.reason, 'the run was stopped before');
    // A subject that cannot be reached or loaded leaves its verdict open; other errors are not about it.
    if (error instanceof NoAnswerError || error instanceof SubjectError)
      return nothingAsked(flags, model, error, 'the engine could not be asked');
    throw error;
  }
}

/** The verdict on a subject that could not be asked at all. */
function nothingAsked(flags: JudgeFlags, model: VerifyModel, reason: Error, why: string): Verdict {
  return concludeNothing({
    subject: { name: nameOf(flags), adapter: adapterOf(flags) },
    model: { name: model.name, source: model.source },
    reference: { kind: referenceOf(model), description: 'not used' },
    demanded: flags.precision,
    reason: reason.message,
    unchecked: [{ what: 'everything', why }],
  });
}

function referenceOf({ golden, source }: VerifyModel): Verdict['reference']['kind'] {
  if (source === 'any') return 'itself';
  return golden ? 'goldens' : 'engine';
}

/** @throws FileError if a file cannot be written; no half of it is left. */
export function writeReports(
  flags: Readonly<Partial<Record<(typeof FILES)[number], string>>>,
  verdict: Verdict,
  stdout: Output,
): void {
  for (const format of FILES) {
    const path = flags[format];
    if (path !== undefined && path !== '-') writeWhole(path, EXPORTERS[format](verdict));
  }
  const piped = FILES.find((format) => flags[format] === '-');
  stdout.write(EXPORTERS[piped ?? 'terminal'](verdict));
}
