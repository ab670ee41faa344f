import { checkTimeLimit } from '../../../engine/options.ts';
import { SubjectError } from '../../errors.ts';
import { PROTOCOL_VERSION, type Started } from '../../protocol/messages.ts';
import { EngineSession } from '../../protocol/session.ts';
import type { Subject } from '../../subject.ts';
import { type CommandLimits, CommandModel } from './command-model.ts';
import { parseCommand } from './parse-command.ts';

const DEFAULT_LIMITS: CommandLimits = { startMs: 60_000, loadMs: 600_000, requestMs: 600_000, stopMs: 5_000 };

export interface CommandOptions {
  readonly limits?: Partial<CommandLimits>;
  /** Bytes of a line on standard output, at most. Default 256 MiB. */
  readonly maxLineBytes?: number;
  /** Ends the program at once. */
  readonly signal?: AbortSignal;
}

/** A program as a subject. */
export interface CommandSubject extends Subject {
  /** Ends the program if no model was loaded; a loaded model is closed by itself. */
  close(): Promise<void>;
}

/** A program that has said what it is. */
interface StartedProgram {
  readonly session: EngineSession;
  readonly started: Started;
}

/**
 * Starts a program that speaks the protocol of docs/protocol.md over standard input and output.
 *
 * @param command the program and its arguments: a list, or one text that is split as a shell would split
 * it. No shell is run: there are no variables, globs or pipes.
 * @throws UsageError if the text has an open quote, or there is no program in it; OptionError if a limit is
 * out of range.
 * @throws SubjectError if the program answers nonsense or speaks another version.
 * @throws NoAnswerError if it cannot be started, ends, or does not answer in time.
 */
export async function commandSubject(
  command: string | readonly string[],
  { limits: some, maxLineBytes, signal }: CommandOptions = {},
): Promise<CommandSubject> {
  const argv = parseCommand(command);
  const limits = { ...DEFAULT_LIMITS, ...some };
  for (const [name, ms] of Object.entries(limits)) checkTimeLimit(`limits.${name}`, ms);
  const start = async () => startProgram(new EngineSession(argv, { signal, maxLineBytes }), limits);
  let waiting: StartedProgram | undefined = await start();
  return {
    info: waiting.started.engine,
    async load(modelDir) {
      // A program loads one model; another load is another process.
      const program = waiting ?? (await start());
      waiting = undefined;
      return await closeOnError(program.session, limits, async () => {
        const options = {
          asked: modelDir === '' ? 'load without --model' : `load of ${modelDir}`,
          limitMs: limits.loadMs,
        };
        await program.session.request('load', { model: modelDir }, options);
        const { capabilities } = program.started;
        return new CommandModel(program.session, capabilities, limits);
      });
    },
    async close() {
      await waiting?.session.close(limits.stopMs);
      waiting = undefined;
    },
  };
}

async function startProgram(session: EngineSession, limits: CommandLimits): Promise<StartedProgram> {
  return await closeOnError(session, limits, async () => {
    const options = { asked: 'start', limitMs: limits.startMs };
    const started = await session.request('start', { protocol: PROTOCOL_VERSION }, options);
    if (started.protocol !== PROTOCOL_VERSION) {
      throw new SubjectError(
        `start: ${started.engine.name} speaks version ${started.protocol} of the protocol; expected ${PROTOCOL_VERSION}`,
      );
    }
    session.maxConcurrency = started.capabilities.maxConcurrency ?? 1;
    return { session, started };
  });
}

async function closeOnError<T>(
  session: EngineSession,
  { stopMs }: CommandLimits,
  task: () => Promise<T>,
): Promise<T> {
  try {
    return await task();
  } catch (error) {
    await session.close(stopMs);
    throw error;
  }
}
