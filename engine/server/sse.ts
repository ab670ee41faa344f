import { Readable } from 'node:stream';
import { toApiError } from './api-error.ts';

/**
 * Chunks of an answer as server-sent events: one line of JSON each, then `[DONE]`. An error after the first
 * chunk is the last event but one, because the status has been sent by then. A chunk is taken when the
 * reader has taken the one before it, so a slow reader takes little memory.
 *
 * @param chunks are ended when the stream is destroyed.
 * @throws what `chunks` throw before the first one.
 */
export async function eventStream(chunks: AsyncGenerator<object, void>): Promise<Readable> {
  const first = await chunks.next();
  const stream = Readable.from(events(first, chunks));
  // A generator that was not started yet does not run its `finally` when the stream is destroyed.
  stream.once('close', () => void chunks.return().catch(() => {}));
  return stream;
}

async function* events(
  first: IteratorResult<object, void>,
  chunks: AsyncGenerator<object, void>,
): AsyncGenerator<string, void> {
  try {
    for (let next = first; !next.done; next = await chunks.next()) yield eventOf(next.value);
  } catch (error) {
    yield eventOf(toApiError(error).toBody());
  }
  yield 'data: [DONE]\n\n';
}

/** JSON has no line breaks, so that it is one line of data. */
function eventOf(data: object): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}
