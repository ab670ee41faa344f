import { existsSync } from 'node:fs';
import { join as joinPath } from 'node:path';
import type { Command } from 'commander';
import { join as joinWords } from 'shlex';
import { readModelConfig } from '../engine/checkpoint/read-config.ts';
import { UsageError } from '../engine/errors.ts';
import { interruptible } from '../engine/terminal/interrupt.ts';
import { writeWhole } from '../engine/terminal/write-whole.ts';
import { reproduceCommand } from './adapters/command/reproduce.ts';
import { loadAbortable } from './ask/abortable.ts';
import type { CommandIo } from './command-io.ts';
import { NoAnswerError, SubjectError } from './errors.ts';
import { type SmokeReport, type SmokeRequests, smoke, smokeOfUnloaded, smokeText } from './smoke.ts';
import type { SubjectInfo } from './subject.ts';
import {
  adapterOf,
  addSubjectFlags,
  namedEngines,
  nameOf,
  openSubject,
  type SubjectFlags,
} from './subject-flags.ts';
import { versionsHere } from './verdict.ts';

/** Exit codes beside 2 for wrong usage: those of a whole run. */
const EXIT_CODES: Readonly<Record<SmokeReport['verdict'], number>> = { right: 0, wrong: 1, unknown: 3 };
/** Asked of a model with a tokenizer: some servers take no ids, and not every id has a text of its own. */
const TEXT = 'The capital of France is';
const IDS = [5, 6, 7];

interface SmokeFlags extends SubjectFlags {
  readonly model: string;
  readonly json?: string;
}

/** The command `smoke`: asks an engine one tiny case, to tell a wrong adapter from a wrong engine. */
export function defineSmoke(program: Command, io: CommandIo, setExitCode: (exitCode: number) => void): void {
  const command = program
    .command('smoke')
    .description('Ask an engine one tiny case, to tell a wrong adapter from a wrong engine.')
    .requiredOption('--model <name>', 'required: a fixture such as dense, a model directory, or a hub id');
  addSubjectFlags(command)
    .option('--json <file>', 'write the report as JSON; - is standard output')
    .addHelpText(
      'after',
      `
Exit codes: 0 the adapter works, 1 the adapter or the engine is wrong, 2 wrong usage, 3 no answer.

Example:
  plumbline-verify smoke --model dense --command "python3 my_engine.py"`,
    )
    .action(async (flags: SmokeFlags) => {
      if (flags.dump !== undefined) {
        throw new UsageError('--dump names answers that are written already; judge them without smoke');
      }
      await interruptible(io.signals, async (signal) => {
        const { text, json, verdict } = await asked(flags, io, signal);
        if (flags.json !== undefined && flags.json !== '-') writeWhole(flags.json, json);
        io.stdout.write(flags.json === '-' ? json : text);
        setExitCode(EXIT_CODES[verdict]);
      });
    });
}

interface Asked {
  readonly verdict: SmokeReport['verdict'];
  readonly text: string;
  readonly json: string;
}

async function asked(flags: SmokeFlags, io: CommandIo, signal: AbortSignal): Promise<Asked> {
  const { name, source, modelDir } = await io.findModel(flags.model, signal);
  const { vocabSize } = await readModelConfig(modelDir);
  const ids = await promptOf(modelDir, vocabSize);
  let info: SubjectInfo = { name: nameOf(flags) };
  const ask = async () => {
    const opened = await openSubject(flags, { model: name, cases: [], signal });
    try {
      const model = await loadAbortable(opened.subject, modelDir, signal);
      try {
        return await smoke(model, { ids, vocabSize, signal });
      } finally {
        ({ info } = opened.subject);
        await model.close();
      }
    } finally {
      await opened.close();
    }
  };
  const report = await ask().catch((error: unknown) => {
    signal.throwIfAborted();
    // Any other error is not the engine's.
    if (error instanceof NoAnswerError || error instanceof SubjectError) return smokeOfUnloaded(error, ids);
    throw error;
  });
  const reproduce = reproduceLine(flags, modelDir, report.requests);
  const { verdict, fault, checks, requests } = report;
  const json = {
    format: 1,
    subject: { ...info, adapter: adapterOf(flags) },
    model: { name, source },
    ...{ verdict, fault, checks, requests, reproduce },
    versions: versionsHere(),
  };
  return { verdict, text: smokeText(report, reproduce), json: `${JSON.stringify(json, null, 2)}\n` };
}

async function promptOf(modelDir: string, vocabSize: number): Promise<number[]> {
  if (!existsSync(joinPath(modelDir, 'tokenizer.json'))) return IDS.map((id) => id % vocabSize);
  const { Tokenizer } = await import('../engine/text/tokenizer.ts');
  const tokenizer = await Tokenizer.load(modelDir);
  return tokenizer.encode(TEXT, { addSpecialTokens: false });
}

/** A program can be given the same lines by hand; any other engine is asked again by this command. */
function reproduceLine(flags: SmokeFlags, modelDir: string, requests: SmokeRequests): string {
  if (flags.command !== undefined) return reproduceCommand(flags.command, { modelDir, ...requests });
  const { api, servedModel, apiKeyEnv } = flags;
  const others = { api, 'served-model': servedModel, 'api-key-env': apiKeyEnv };
  const words = [['model', flags.model], ...namedEngines(flags), ...Object.entries(others)].flatMap(
    ([name, value]) => (value === undefined ? [] : [`--${name}`, value]),
  );
  return joinWords(['npx', 'plumbline-verify', 'smoke', ...words]);
}
