import type { Signals } from '../engine/terminal/interrupt.ts';
import type { Output } from '../engine/terminal/output.ts';
import type { VerifyModel } from './verify.ts';

/** What a command of the judge uses beside its arguments and the files they name. */
export interface CommandIo {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly signals: Signals;
  /**
   * Finds a fixture, a directory or a hub id.
   *
   * @param signal ends a download.
   * @throws HubError if there is no such model.
   */
  findModel(name: string, signal: AbortSignal): Promise<VerifyModel>;
}
