import type { HubClient } from './client.ts';
import { type HubFetchOptions, MAX_TRIES, pauseAfterTry, timer } from './fetch.ts';
import type { HubFile } from './file.ts';
import type { PartialFile } from './partial.ts';
import { HubConnectionError } from './timeout.ts';

/** Options of {@link receive}. */
export interface ReceiveOptions extends Pick<HubFetchOptions, 'delay' | 'signal'> {
  client: HubClient;
  commit: string;
  file: HubFile;
  /** Called with the bytes so far. */
  onBytes?: (done: number) => void;
}

/**
 * Fetches the rest of a partial file. If the connection breaks, the download resumes where it broke, and
 * after each attempt without progress it waits longer. If the hub cannot send a part, it starts from the
 * beginning.
 *
 * @throws HubConnectionError after {@link MAX_TRIES} attempts without progress, HubContentError if too much
 * arrives, HubError if the hub refuses. The reason of the signal is thrown as it is.
 */
export async function receive(
  partial: PartialFile,
  { client, commit, file, delay = timer, signal, onBytes }: ReceiveOptions,
): Promise<void> {
  const url = client.urlOf(commit, file);
  let etag: string | undefined;
  let farthest = partial.size;
  for (let tries = 1; partial.size < file.size; tries++) {
    try {
      const answer = await client.open(commit, file, { offset: partial.size, etag });
      etag = answer.etag;
      if (answer.offset !== partial.size) await partial.restart();
      for await (const chunk of answer.content) {
        await partial.append(chunk, url);
        onBytes?.(partial.size);
      }
      if (partial.size < file.size) {
        throw new HubConnectionError(`${url}: ended after ${partial.size} of ${file.size} bytes; try again`);
      }
    } catch (error) {
      if (!(error instanceof HubConnectionError)) throw error;
      if (partial.size > farthest) tries = 1;
      else if (tries === MAX_TRIES) throw error;
      farthest = Math.max(farthest, partial.size);
      await delay(pauseAfterTry(tries), signal);
    }
  }
}
