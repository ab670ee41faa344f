import { GroupError } from '../errors.ts';
import type { ProcessGroup } from '../parallel/process-group.ts';

/**
 * Ends a group because of an error on this rank: the other ranks wait for it, and get a GroupError with its
 * message. A GroupError is not sent, because every rank has it already.
 */
export function sendFailure(group: ProcessGroup, error: unknown): void {
  if (error instanceof GroupError || group.size === 1) return;
  try {
    group.abort(String(error));
  } catch {
    // abort() throws a GroupError on this rank too; the caller throws the error itself.
  }
}
