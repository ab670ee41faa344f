import { type Command, Option } from 'commander';
import type { EngineOptions } from '../serving/requests.ts';
import { positiveWholeNumber } from './arguments.ts';

/** What computes, as the command line calls it. */
export type ThreadFlags = Pick<EngineOptions, 'threads' | 'revectorize' | 'tp' | 'ep' | 'backend'>;

export function addThreadFlags(command: Command): Command {
  return command
    .option(
      '--threads <n>',
      "threads of each rank that compute (default: the machine's, shared out)",
      positiveWholeNumber,
    )
    .option(
      '--tp <n>',
      'processes that share heads, columns and vocabulary (default: 1)',
      positiveWholeNumber,
    )
    .option(
      '--ep <n>',
      'processes that share the experts; with --tp, as many (default: 1)',
      positiveWholeNumber,
    )
    .addOption(
      new Option(
        '--backend <name>',
        'fork: processes started here; mpi: those of mpirun (default: mpi under mpirun, else fork)',
      ).choices(['fork', 'mpi']),
    )
    .option('--revectorize', "compute with V8's experimental 256-bit vectors (same bits, faster)");
}

/** The engine's options of that name. */
export function threadOptions({ threads, revectorize, tp, ep, backend }: ThreadFlags): ThreadFlags {
  return { threads, revectorize, tp, ep, backend };
}
