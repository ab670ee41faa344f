import type { Signals } from '../engine/terminal/interrupt.ts';
import type { Output } from '../engine/terminal/output.ts';
import type { PromptCases } from './export/cases.ts';

/** What the commands of goldens use beside their arguments and the files they name. */
export interface GoldensIo {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly signals: Signals;
  /** The variables of the hub and its cache, and `CI`. */
  readonly env: NodeJS.ProcessEnv;
  /** Ends the process. */
  exit(exitCode: number): void;
  /** The cases that the judge asks of prompts. */
  readonly promptCases: PromptCases;
}
