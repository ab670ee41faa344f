import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

/** A request to the hub itself, or to the host that stores large files. */
export interface LoopbackRequest {
  host: 'hub' | 'storage';
  /** Method and decoded path, without the query. */
  line: string;
  authorization: string | undefined;
  range: string | undefined;
  ifRange: string | undefined;
}

/** The content of a repository's files by path. */
type Files = Record<string, string | Uint8Array>;

/** The model that every {@link LoopbackHub} has. */
export const LOOPBACK_MODEL = 'plumbline-spec/tiny';

/**
 * The address of a hub that refuses connections. A hub that a test has closed may still accept one: AVA's
 * other threads start processes, and from fork to exec each has a copy of the listening socket.
 */
export const UNREACHABLE_HUB = 'http://127.0.0.1:2';

/** Files in Git LFS: announced with a SHA-256, and redirected to the storage host. */
const LFS = /\.safetensors$|\.onnx(_data)?$|^tokenizer\.json$/;

/**
 * A HuggingFace hub on 127.0.0.1 at a free port: the three requests of a download, ranges, and the redirect
 * to another origin for large files. Tests change its fields while it runs.
 */
export class LoopbackHub {
  /** By model. */
  readonly repositories: Record<string, Files>;
  /** The commit of `main`, in every model. */
  commit: string = '1f'.repeat(20);
  /** Bytes of the next large file to send before stalling until {@link breakStalled}; undefined for all. */
  stallAfter: number | undefined;
  /** Whether the storage host supports ranges; if not, it always sends whole files. */
  sendsRanges = true;
  /** Whether the storage host sends ETags; that of the public hub does not. */
  sendsEtags = false;
  /** Called with each request; returns true if it answers in place of the hub. */
  intercept: (request: LoopbackRequest, response: ServerResponse) => boolean = () => false;
  readonly requests: LoopbackRequest[] = [];
  readonly #hub = createServer(this.#listener('hub', (...exchange) => this.#answer(...exchange)));
  readonly #storage = createServer(this.#listener('storage', (...exchange) => this.#sendStored(...exchange)));

  private constructor(repositories: Record<string, Files>) {
    this.repositories = repositories;
  }

  /** @param files of {@link LOOPBACK_MODEL}. @param others files of further models. */
  static async start(files: Files, others: Record<string, Files> = {}): Promise<LoopbackHub> {
    const hub = new LoopbackHub({ [LOOPBACK_MODEL]: { ...files }, ...others });
    for (const server of [hub.#hub, hub.#storage]) {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    }
    return hub;
  }

  /** The files of {@link LOOPBACK_MODEL}. */
  get files(): Files {
    return this.repositories[LOOPBACK_MODEL];
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#hub.address() as AddressInfo).port}`;
  }

  /** The lines of all requests so far. */
  get lines(): string[] {
    return this.requests.map(({ line }) => line);
  }

  /** The name of a file's blob: SHA-256 of its content, or SHA-1 of it as a git object. */
  oidOf(path: string, model: string = LOOPBACK_MODEL): string {
    const content = Buffer.from(this.repositories[model][path]);
    if (LFS.test(path)) return createHash('sha256').update(content).digest('hex');
    return createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
  }

  /** Closes the connections of the storage host; bytes that the client has not read are lost. */
  breakStalled(): void {
    this.#storage.closeAllConnections();
  }

  async close(): Promise<void> {
    for (const server of [this.#hub, this.#storage]) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }

  #listener(
    host: LoopbackRequest['host'],
    answer: (path: string, request: IncomingMessage, response: ServerResponse) => unknown,
  ): RequestListener {
    return (request, response) => {
      const path = decodeURIComponent(new URL(request.url ?? '', 'http://host').pathname);
      const line = `${request.method} ${path}`;
      const { authorization, range, 'if-range': ifRange } = request.headers;
      const received = { host, line, authorization, range, ifRange: ifRange as string | undefined };
      this.requests.push(received);
      if (!this.intercept(received, response)) answer(path, request, response);
    };
  }

  async #answer(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, api, model, , file] =
      /^\/(api\/models\/)?([^/]+\/[^/]+)\/(revision\/main|paths-info|tree|resolve)(?:\/[0-9a-f]{40}(?:\/(.*))?)?$/.exec(
        path,
      ) ?? [];
    const files = this.repositories[model];
    if (!files || (!path.endsWith('/revision/main') && !path.includes(`/${this.commit}`))) {
      sendJson(response, { error: 'not found' }, 404);
    } else if (api && path.endsWith('/revision/main')) {
      sendJson(response, { _id: '0', id: model, sha: this.commit, private: false, gated: false });
    } else if (api && request.method === 'GET') {
      const inFolder = Object.keys(files).filter((name) => name.startsWith(`${file}/`));
      sendJson(
        response,
        inFolder.map((name) => this.#announce(model, name)),
      );
    } else if (api) {
      const { paths }: { paths: string[] } = JSON.parse(Buffer.concat(await request.toArray()).toString());
      const isFolder = (path: string) => Object.keys(files).some((name) => name.startsWith(`${path}/`));
      sendJson(response, [
        ...paths.filter((name) => Object.hasOwn(files, name)).map((name) => this.#announce(model, name)),
        ...paths.filter(isFolder).map((path) => ({ type: 'directory', path, size: 0, oid: '0'.repeat(40) })),
      ]);
    } else if (!Object.hasOwn(files, file)) {
      sendJson(response, { error: 'not found' }, 404);
    } else if (LFS.test(file)) {
      const { port } = this.#storage.address() as AddressInfo;
      const oid = this.oidOf(file, model);
      response
        .writeHead(302, { Location: `http://127.0.0.1:${port}/${oid}`, 'X-Linked-ETag': `"${oid}"` })
        .end();
    } else {
      sendContent(response, request, Buffer.from(files[file]), { etag: `"${this.oidOf(file, model)}"` });
    }
  }

  #announce(model: string, path: string) {
    const size = Buffer.from(this.repositories[model][path]).length;
    const oid = this.oidOf(path, model);
    if (!LFS.test(path)) return { type: 'file', path, size, oid };
    // The git blob is only a pointer; its hash is not that of the content.
    return { type: 'file', path, size, oid: '0'.repeat(40), lfs: { oid, size, pointerSize: 130 } };
  }

  #sendStored(path: string, request: IncomingMessage, response: ServerResponse): void {
    const [model, file] =
      Object.entries(this.repositories)
        .flatMap(([name, files]) => Object.keys(files).map((file) => [name, file]))
        .find(([name, file]) => path === `/${this.oidOf(file, name)}`) ?? [];
    if (model === undefined || file === undefined) {
      response.writeHead(404).end();
      return;
    }
    const [etag, stallAfter] = [this.sendsEtags ? `"${path.slice(1, 9)}"` : undefined, this.stallAfter];
    this.stallAfter = undefined;
    if (!this.sendsRanges) delete request.headers.range;
    sendContent(response, request, Buffer.from(this.repositories[model][file]), { etag, stallAfter });
  }
}

interface ContentOptions {
  etag?: string;
  /** Bytes to send before stalling. */
  stallAfter?: number;
}

/** Sends content, or the requested part of it (RFC 9110, 14). */
function sendContent(
  response: ServerResponse,
  { headers }: IncomingMessage,
  content: Buffer,
  { etag, stallAfter }: ContentOptions = {},
): void {
  const ifRange = headers['if-range'];
  const wanted =
    ifRange === undefined || ifRange === etag ? /^bytes=(\d+)-$/.exec(headers.range ?? '') : null;
  const begin = Number(wanted?.[1] ?? 0);
  if (wanted && begin >= content.length) {
    response.writeHead(416, { 'Content-Range': `bytes */${content.length}` }).end();
    return;
  }
  const part = content.subarray(begin);
  response.writeHead(wanted ? 206 : 200, {
    'Content-Length': part.length,
    ...(etag ? { ETag: etag } : {}),
    ...(wanted ? { 'Content-Range': `bytes ${begin}-${content.length - 1}/${content.length}` } : {}),
  });
  if (stallAfter === undefined) response.end(part);
  else response.write(part.subarray(0, stallAfter));
}

function sendJson(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}

/** All files below a folder, by path: `-> target` for a link, else the content as latin1. */
export function filesOf(folder: string): Record<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      const content = entry.isSymbolicLink() ? `-> ${readlinkSync(path)}` : readFileSync(path, 'latin1');
      return [path.slice(folder.length + 1), content];
    });
  return Object.fromEntries(files);
}
