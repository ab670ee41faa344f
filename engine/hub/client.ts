import { z } from 'zod';
import { HubError } from '../errors.ts';
import { type HubFetchOptions, hubFetch, RANGE_NOT_SATISFIABLE, unreachable } from './fetch.ts';
import type { HubFile } from './file.ts';
import type { HubSettings } from './settings.ts';

/** Hashes become file names in the cache, so nothing else may pass for one. */
const commitHash = z.string().regex(/^[0-9a-f]{40}$/);
const size = z.number().int().nonnegative();
const announcement = z.object({
  path: z.string(),
  size,
  oid: z.string().regex(/^[0-9a-f]{40}$/),
  lfs: z.object({ oid: z.string().regex(/^[0-9a-f]{64}$/), size }).nullish(),
});

/** The content of a file, or what is left of it. */
export interface HubContent {
  /** Where it begins: as asked, or 0. */
  readonly offset: number;
  /** What tells whether a later answer is of the same content, if there is such a thing. */
  readonly etag: string | undefined;
  readonly content: AsyncIterable<Uint8Array>;
}

/**
 * Asks the hub about one model, and reads its files. Requests are made as `hub-fetch.ts` says; once the signal is
 * aborted, its reason is thrown.
 */
export class HubClient {
  readonly model: string;
  readonly #settings: HubSettings;
  readonly #fetch: typeof fetch;
  readonly #signal: AbortSignal | undefined;

  /** @param model a valid hub id, `org/name`. */
  constructor(model: string, settings: HubSettings, options: HubFetchOptions = {}) {
    this.model = model;
    this.#settings = settings;
    this.#fetch = hubFetch(model, settings, options);
    this.#signal = options.signal;
  }

  /**
   * The commit that a branch or tag is at.
   *
   * @throws HubError if the hub cannot be reached, refuses, or answers with something else.
   */
  async commitOf(revision: string): Promise<string> {
    return await this.#ask(async () => {
      // Loaded late: whoever has a model directory need not wait for it.
      const { modelInfo } = await import('@huggingface/hub');
      const { endpoint: hubUrl } = this.#settings;
      const info = await modelInfo({
        name: this.model,
        revision,
        additionalFields: ['sha'],
        hubUrl,
        fetch: this.#fetch,
      });
      return commitHash.parse(info.sha);
    });
  }

  /**
   * Those of the given files that a commit has, in the order given.
   *
   * @throws HubError as {@link commitOf} does.
   */
  async filesAt(commit: string, paths: readonly string[]): Promise<HubFile[]> {
    return await this.#ask(async () => {
      const { pathsInfo } = await import('@huggingface/hub');
      const { endpoint: hubUrl } = this.#settings;
      const infos = await pathsInfo({
        repo: { type: 'model', name: this.model },
        revision: commit,
        paths: [...paths],
        hubUrl,
        fetch: this.#fetch,
      });
      return paths.flatMap((path) => {
        const info = infos.find((info) => info.path === path && info.type === 'file');
        return info ? [announced(announcement.parse(info))] : [];
      });
    });
  }

  /** Where a file is fetched from. */
  urlOf(commit: string, file: HubFile): string {
    const path = file.path.split('/').map(encodeURIComponent).join('/');
    return `${this.#settings.endpoint}/${this.model}/resolve/${commit}/${path}`;
  }

  /**
   * Asks for the content of a file, unverified, from an offset on.
   *
   * @param etag what an earlier answer called the content: if it has changed since, it comes from its beginning.
   * @throws HubError if the hub cannot be reached or refuses; reading throws HubConnectionError if the connection breaks.
   */
  async open(
    commit: string,
    file: HubFile,
    { offset, etag }: { offset: number; etag?: string },
  ): Promise<HubContent> {
    const url = this.urlOf(commit, file);
    // Compressed on its way, nobody could tell a short body by its length.
    const headers = new Headers({ 'Accept-Encoding': 'identity' });
    if (offset > 0) headers.set('Range', `bytes=${offset}-`);
    if (offset > 0 && etag) headers.set('If-Range', etag);
    const response = await this.#fetch(url, { headers });
    const begin = beginOf(response, file);
    if (begin === undefined || (begin !== 0 && begin !== offset)) {
      await response.body?.cancel().catch(() => {});
      // The rest is not to be had, but the whole may be.
      if (offset > 0) return await this.open(commit, file, { offset: 0 });
      throw new HubError(
        `${url}: answered ${response.status} with a part that nobody asked for; check HF_ENDPOINT`,
      );
    }
    // A weak one does not promise the same bytes (RFC 9110, 13.1.5).
    const [strong] = /^"[^"]*"$/.exec(response.headers.get('ETag') ?? '') ?? [];
    return { offset: begin, etag: strong, content: this.#read(response, url, file, begin) };
  }

  async *#read(
    response: Response,
    url: string,
    file: HubFile,
    begin: number,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    let done = begin;
    try {
      for await (const chunk of response.body ?? []) {
        done += chunk.length;
        yield chunk;
      }
    } catch (error) {
      this.#signal?.throwIfAborted();
      throw unreachable(`${url}, after ${done} of ${file.size} bytes`, error);
    }
  }

  async #ask<T>(question: () => Promise<T>): Promise<T> {
    try {
      return await question();
    } catch (cause) {
      this.#signal?.throwIfAborted();
      if (cause instanceof HubError) throw cause;
      throw new HubError(
        `${this.#settings.endpoint}: does not answer as a HuggingFace hub does (${(cause as Error).message}); ` +
          'check HF_ENDPOINT, and whether a proxy or a log-in page answers in its place',
        { cause },
      );
    }
  }
}

/** The offset that an answer begins at; undefined if it is a range of something else, or there is no such range. */
function beginOf(response: Response, { size }: HubFile): number | undefined {
  if (response.status === RANGE_NOT_SATISFIABLE) return undefined;
  if (response.status !== 206) return 0;
  const [, begin, total] = /^bytes (\d+)-\d+\/(\d+)$/.exec(response.headers.get('Content-Range') ?? '') ?? [];
  return Number(total) === size ? Number(begin) : undefined;
}

function announced({ path, size, oid, lfs }: z.infer<typeof announcement>): HubFile {
  return lfs ? { path, size: lfs.size, lfs: true, oid: lfs.oid } : { path, size, lfs: false, oid };
}
