import { PlumblineError } from '../../../engine/errors.ts';
import { NoAnswerError, NotSupportedError, SubjectError } from '../../errors.ts';

/**
 * Runs something whose errors may quote a server that repeats the key.
 *
 * @throws what `run` throws; an error whose message has the key is replaced by one of its class in
 * `errors.ts` without it, and without its cause.
 */
export async function withoutKey<T>(apiKey: string | undefined, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!apiKey || !(error instanceof PlumblineError)) throw error;
    const message = redacted(error.message, apiKey);
    if (message === error.message) throw error;
    const Replacing = [NoAnswerError, NotSupportedError].find((each) => error instanceof each);
    // The stack and the cause of the first error have the key.
    throw new (Replacing ?? SubjectError)(message);
  }
}

/** The same functions, whose errors are without the key. */
export function functionsWithoutKey<T extends object>(apiKey: string | undefined, functions: T): T {
  const guarded = Object.entries(functions).map(([name, value]) => [
    name,
    typeof value === 'function'
      ? (...given: unknown[]) => withoutKey(apiKey, async () => value(...given))
      : value,
  ]);
  return Object.fromEntries(guarded);
}

function redacted(message: string, apiKey: string): string {
  const forms = [apiKey, JSON.stringify(apiKey).slice(1, -1)];
  return forms.reduce((text, form) => {
    let without = text.replaceAll(form, '***');
    // An excerpt may end within the key.
    for (let length = form.length - 1; length > 0; length--)
      without = without.replaceAll(`${form.slice(0, length)}…`, '***…');
    return without;
  }, message);
}
