import { z } from 'zod';
import { HubError } from '../errors.ts';
import { type HubFetchOptions, hubFetch, RANGE_NOT_SATISFIABLE, unreachable } from './fetch.ts';
import type { HubFile } from './file.ts';
import { patternOf } from './missing-files.ts';
import type { HubSettings } from './settings.ts';

/** Hashes become file names in the cache, so their form is checked. */
const commitHash = z.string().regex(/^[0-9a-f]{40}$/);
const size = z.number().int().nonnegative();
const pathInfo = z.object({
  path: z.string(),
  size,
  oid: z.string().regex(/^[0-9a-f]{40}$/),
  lfs: z.object({ oid: z.string().regex(/^[0-9a-f]{64}$/), size }).nullish(),
});

/** The content of a file from an offset on. */
export interface HubContent {
  /** Where it begins: the requested offset, or 0. */
  readonly offset: number;
  /** Strong ETag of the content; undefined if the answer has none. */
  readonly etag: string | undefined;
  readonly content: AsyncIterable<Uint8Array>;
}

/**
 * Requests information about one model, and its files. Requests are sent by {@link hubFetch}; once the
 * signal is aborted, its reason is thrown.
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
   * Requests the current commit of a branch or tag.
   *
   * @throws HubError if the hub cannot be reached, refuses, or sends an unexpected answer.
   */
  async commitOf(revision: string): Promise<string> {
    return await this.#request(async () => {
      // Imported late, because a local model directory does not need it.
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
   * Requests which of the given files a commit has.
   *
   * @param paths of files, and patterns of files in one folder.
   * @returns them in the given order.
   * @throws HubError as {@link commitOf} does.
   */
  async filesAt(commit: string, paths: readonly string[]): Promise<HubFile[]> {
    return await this.#request(async () => {
      const { listFiles, pathsInfo } = await import('@huggingface/hub');
      const { endpoint: hubUrl } = this.#settings;
      const repo = { type: 'model', name: this.model } as const;
      const common = { repo, revision: commit, hubUrl, fetch: this.#fetch };
      const names = paths.map((path) => patternOf(path)?.folder ?? path);
      const infos = await pathsInfo({ ...common, paths: names });
      const found: HubFile[] = [];
      for (const [i, path] of paths.entries()) {
        const pattern = patternOf(path);
        const info = infos.find((each) => each.path === names[i]);
        if (!pattern && info?.type === 'file') found.push(hubFile(pathInfo.parse(info)));
        if (!pattern || info?.type !== 'directory') continue;
        for await (const entry of listFiles({ ...common, path: pattern.folder })) {
          if (isIn(pattern, entry)) found.push(hubFile(pathInfo.parse(entry)));
        }
      }
      return found;
    });
  }

  /** The URL of a file's content. */
  urlOf(commit: string, file: HubFile): string {
    const path = file.path.split('/').map(encodeURIComponent).join('/');
    return `${this.#settings.endpoint}/${this.model}/resolve/${commit}/${path}`;
  }

  /**
   * Requests the content of a file from an offset on, unverified.
   *
   * @param etag of an earlier answer: if the content has changed since, the answer begins at 0.
   * @throws HubError if the hub cannot be reached or refuses; reading throws HubConnectionError if the
   * connection breaks.
   */
  async open(
    commit: string,
    file: HubFile,
    { offset, etag }: { offset: number; etag?: string },
  ): Promise<HubContent> {
    const url = this.urlOf(commit, file);
    // Uncompressed, because a truncated body is found by its length.
    const headers = new Headers({ 'Accept-Encoding': 'identity' });
    if (offset > 0) headers.set('Range', `bytes=${offset}-`);
    if (offset > 0 && etag) headers.set('If-Range', etag);
    const response = await this.#fetch(url, { headers });
    const begin = beginOf(response, file);
    if (begin === undefined || (begin !== 0 && begin !== offset)) {
      await response.body?.cancel().catch(() => {});
      // The hub cannot send this range; request the whole file.
      if (offset > 0) return await this.open(commit, file, { offset: 0 });
      throw new HubError(
        `${url}: answered ${response.status} with a part that was not requested; check HF_ENDPOINT`,
      );
    }
    // A weak ETag does not guarantee the same bytes (RFC 9110, 13.1.5).
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

  async #request<T>(request: () => Promise<T>): Promise<T> {
    try {
      return await request();
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

/** Whether a file lies in a folder. Its path becomes one in the cache, so its form is checked. */
function isIn(
  { folder, ending }: { folder: string; ending: string },
  { path, type }: { path: string; type: string },
): boolean {
  const name = path.slice(folder.length + 1);
  return (
    type === 'file' && path === `${folder}/${name}` && name.endsWith(ending) && /^[\w-][\w.-]*$/.test(name)
  );
}

/** The offset at which an answer begins; undefined if its range is missing or belongs to another content. */
function beginOf(response: Response, { size }: HubFile): number | undefined {
  if (response.status === RANGE_NOT_SATISFIABLE) return undefined;
  if (response.status !== 206) return 0;
  const [, begin, total] = /^bytes (\d+)-\d+\/(\d+)$/.exec(response.headers.get('Content-Range') ?? '') ?? [];
  return Number(total) === size ? Number(begin) : undefined;
}

function hubFile({ path, size, oid, lfs }: z.infer<typeof pathInfo>): HubFile {
  return lfs ? { path, size: lfs.size, lfs: true, oid: lfs.oid } : { path, size, lfs: false, oid };
}
