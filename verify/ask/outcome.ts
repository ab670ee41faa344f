import { NoAnswerError, NotSupportedError } from '../errors.ts';

/** What came of a question. The four kinds are never counted together. */
export type Outcome<T> =
  | { readonly kind: 'result'; readonly value: T }
  /** The subject cannot be asked that; `message` is the reason. */
  | { readonly kind: 'skipped'; readonly message: string }
  /** It answered with an error or with nonsense. */
  | { readonly kind: 'error'; readonly message: string }
  /** Crash, time limit, closed connection. */
  | { readonly kind: 'no answer'; readonly message: string };

/**
 * Waits for an answer and says what came of it.
 *
 * @throws the reason of `signal` if it is aborted: then nothing can be said of the subject.
 */
export async function settle<T>(answer: () => Promise<T>, signal?: AbortSignal): Promise<Outcome<T>> {
  try {
    const value = await answer();
    return { kind: 'result', value };
  } catch (error) {
    signal?.throwIfAborted();
    const message = error instanceof Error ? error.message : String(error);
    if (error instanceof NotSupportedError) return { kind: 'skipped', message };
    if (error instanceof NoAnswerError) return { kind: 'no answer', message };
    return { kind: 'error', message };
  }
}
