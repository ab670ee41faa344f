import { setImmediate } from 'node:timers/promises';
import type { Subject, SubjectModel } from '../subject.ts';

/**
 * Waits for a task until the signal is aborted; what the task gives later is ignored.
 *
 * @throws the reason of `signal` if it is aborted.
 */
export async function untilAborted<T>(signal: AbortSignal | undefined, task: () => Promise<T>): Promise<T> {
  if (!signal) return await task();
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([task(), aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** What the task gives; undefined if the signal was aborted before or during it. */
export async function unlessAborted<T>(
  signal: AbortSignal | undefined,
  task: () => Promise<T>,
): Promise<T | undefined> {
  if (signal?.aborted) return undefined;
  try {
    return await task();
  } catch (error) {
    if (signal?.aborted) return undefined;
    throw error;
  }
}

/**
 * Loads a model whose calls reject as soon as the signal is aborted, whatever the engine makes of signals.
 * A model that is loaded after that is closed.
 *
 * @throws what loading it throws; the reason of `signal` if it is aborted.
 */
export async function loadAbortable(
  subject: Subject,
  modelDir: string,
  signal: AbortSignal | undefined,
): Promise<SubjectModel> {
  const loading = untilAborted(signal, async () => {
    const model = await subject.load(modelDir);
    if (signal?.aborted) await model.close();
    return model;
  });
  return abortable(await loading, signal);
}

function abortable(model: SubjectModel, signal: AbortSignal | undefined): SubjectModel {
  if (!signal) return model;
  const { tokenize, tokenizeChat, countTokens } = model;
  const ask = <T>(call: () => Promise<T>): Promise<T> =>
    untilAborted(signal, async () => {
      // An engine in this process blocks the event loop: signals arrive between two calls.
      await setImmediate();
      signal.throwIfAborted();
      return await call();
    });
  return {
    capabilities: model.capabilities,
    forward: (request) => ask(() => model.forward(request)),
    generate: (request) => ask(() => model.generate(request)),
    ...(tokenize ? { tokenize: (text) => ask(() => tokenize.call(model, text)) } : {}),
    ...(tokenizeChat ? { tokenizeChat: (chat) => ask(() => tokenizeChat.call(model, chat)) } : {}),
    ...(countTokens ? { countTokens: (text) => ask(() => countTokens.call(model, text)) } : {}),
    close: () => model.close(),
  };
}
