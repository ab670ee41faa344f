import type { HubClient } from './client.ts';
import { type HubFetchOptions, MAX_TRIES, pauseAfterTry, timer } from './fetch.ts';
import type { HubFile } from './file.ts';
import type { PartialFile } from './partial.ts';
import { HubConnectionError } from './timeout.ts';

/** What {@link receive} takes beside the file. */
export interface ReceiveOptions extends Pick<HubFetchOptions, 'delay' | 'signal'> {
  /** Called with the bytes that there are. */
  onBytes?: (done: number) => void;
}

/**
 * Fetches what a partial file lacks. A connection that breaks is taken up again where it broke, as long as each attempt
 * brings the file on; a hub that cannot send a part sends the whole, and then it begins anew.
 *
 * @throws HubConnectionError if the connection breaks again and again, HubContentError if too much arrives, HubError if
 * the hub refuses. The reason of the signal is thrown as it is.
 */
export async function receive(
  client: HubClient,
  commit: string,
  file: HubFile,
  partial: PartialFile,
  { delay = timer, signal, onBytes }: ReceiveOptions = {},
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
