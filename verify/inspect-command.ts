import type { Command } from 'commander';
import { interruptible } from '../engine/terminal/interrupt.ts';
import { storedCases } from '../golden/verify-case.ts';
import { untilAborted } from './ask/abortable.ts';
import type { CommandIo } from './command-io.ts';
import {
  addSubjectFlags,
  namedEngines,
  type OpenSubject,
  openSubject,
  type SubjectFlags,
} from './subject-flags.ts';

interface InspectFlags extends SubjectFlags {
  readonly model: string;
  readonly golden?: string;
  readonly case: string;
}

/** The command `inspect`: an engine beside golden, our engine and the oracle, stage by stage. */
export function defineInspect(
  program: Command,
  io: CommandIo,
  setExitCode: (exitCode: number) => void,
  env: NodeJS.ProcessEnv = process.env,
): void {
  const command = program
    .command('inspect')
    .description('Compare an engine with a golden case stage by stage. Exit code 1: they differ.')
    .requiredOption('--model <name>', 'required: a fixture, a model directory, or a hub id')
    .option('--golden <name>', "the folder of the model's goldens; by default the model's name")
    .requiredOption('--case <id>', 'required: a case of the goldens');
  addSubjectFlags(command)
    .addHelpText(
      'after',
      `
Without --module, --command, --dump or --url, the engine is the module that the environment's SUBJECT names,
else Plumbline's own.`,
    )
    .action(async (flags: InspectFlags) => {
      await interruptible(io.signals, async (signal) => {
        const { model, golden = model, case: id } = flags;
        const { modelDir } = await io.findModel(model, signal);
        const { inspect } = await import('./inspect.ts');
        const opened = await openInspected(flags, golden, env, signal);
        try {
          const inspection = inspect({ golden, id, modelDir, subject: opened?.subject });
          const { text, agrees } = await untilAborted(signal, () => inspection);
          io.stdout.write(text);
          if (!agrees) setExitCode(1);
        } finally {
          await opened?.close();
        }
      });
    });
}

/** The engine that flags or environment name; undefined: our own. */
async function openInspected(
  flags: InspectFlags,
  golden: string,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<Pick<OpenSubject, 'subject' | 'close'> | undefined> {
  const isNamed = namedEngines(flags).length > 0;
  if (!isNamed && env.SUBJECT) {
    const { loadModule } = await import('./adapters/module.ts');
    return { subject: await loadModule(env.SUBJECT), close: async () => {} };
  }
  if (!isNamed) return undefined;
  const cases = flags.dump === undefined ? [] : storedCases(golden, []);
  return await openSubject(flags, { model: flags.model, cases, signal });
}
