import type { Command } from 'commander';
import type { EngineOptions } from '../requests.ts';
import { positiveWholeNumber } from './arguments.ts';

/** What computes, as the command line calls it. */
export type ThreadFlags = Pick<EngineOptions, 'threads' | 'revectorize'>;

export function addThreadFlags(command: Command): Command {
  return command
    .option('--threads <n>', "threads that compute (default: the machine's)", positiveWholeNumber)
    .option('--revectorize', "compute with V8's experimental 256-bit vectors (same bits, faster)");
}

/** The engine's options of that name. */
export function threadOptions({ threads, revectorize }: ThreadFlags): ThreadFlags {
  return { threads, revectorize };
}
