import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

/** A request that arrived, at the hub itself or at the other host it sends large files from. */
export interface LoopbackRequest {
  host: 'hub' | 'storage';
  /** Method and path, decoded and without its query. */
  line: string;
  authorization: string | undefined;
}

/** The model that every {@link LoopbackHub} has. */
export const LOOPBACK_MODEL = 'plumbline-spec/tiny';

/** What is stored with Git LFS: announced with a SHA-256, and sent from the other host. */
const LFS = /\.safetensors$|^tokenizer\.json$/;

/**
 * A HuggingFace hub with one model on 127.0.0.1, at a port of the system's choice: the three requests of a download,
 * and the redirect to another origin for large files. Tests change its fields while it runs.
 */
export class LoopbackHub {
  /** Content by path. */
  files: Record<string, string | Uint8Array>;
  /** What `main` is at. */
  commit: string = '1f'.repeat(20);
  /** Answers a request in the hub's place if it returns true. */
  intercept: (request: LoopbackRequest, response: ServerResponse) => boolean = () => false;
  readonly requests: LoopbackRequest[] = [];
  readonly #hub = createServer(this.#listener('hub', (...exchange) => this.#answer(...exchange)));
  readonly #storage = createServer(this.#listener('storage', (...exchange) => this.#sendStored(...exchange)));

  private constructor(files: Record<string, string | Uint8Array>) {
    this.files = { ...files };
  }

  static async start(files: Record<string, string | Uint8Array>): Promise<LoopbackHub> {
    const hub = new LoopbackHub(files);
    for (const server of [hub.#hub, hub.#storage]) {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    }
    return hub;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#hub.address() as AddressInfo).port}`;
  }

  /** The requests' lines so far. */
  get lines(): string[] {
    return this.requests.map(({ line }) => line);
  }

  /** The name of a file's blob: SHA-256 of its content, or SHA-1 of it as a git object. */
  oidOf(path: string): string {
    const content = Buffer.from(this.files[path]);
    if (LFS.test(path)) return createHash('sha256').update(content).digest('hex');
    return createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
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
      const received = { host, line, authorization: request.headers.authorization };
      this.requests.push(received);
      if (!this.intercept(received, response)) answer(path, request, response);
    };
  }

  async #answer(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const folder = `/${LOOPBACK_MODEL}/resolve/${this.commit}/`;
    const file = path.startsWith(folder) ? path.slice(folder.length) : '';
    if (path === `/api/models/${LOOPBACK_MODEL}/revision/main`) {
      sendJson(response, { _id: '0', id: LOOPBACK_MODEL, sha: this.commit, private: false, gated: false });
    } else if (path === `/api/models/${LOOPBACK_MODEL}/paths-info/${this.commit}`) {
      const { paths } = JSON.parse(Buffer.concat(await request.toArray()).toString());
      sendJson(
        response,
        (paths as string[]).filter((name) => Object.hasOwn(this.files, name)).map(this.#announce),
      );
    } else if (!Object.hasOwn(this.files, file)) {
      sendJson(response, { error: 'not found' }, 404);
    } else if (LFS.test(file)) {
      const { port } = this.#storage.address() as AddressInfo;
      response.writeHead(302, { Location: `http://127.0.0.1:${port}/${this.oidOf(file)}` }).end();
    } else {
      response.end(this.files[file]);
    }
  }

  readonly #announce = (path: string) => {
    const size = Buffer.from(this.files[path]).length;
    const oid = this.oidOf(path);
    if (!LFS.test(path)) return { type: 'file', path, size, oid };
    // Git itself has only a pointer, whose hash is of no use.
    return { type: 'file', path, size, oid: '0'.repeat(40), lfs: { oid, size, pointerSize: 130 } };
  };

  #sendStored(path: string, _request: IncomingMessage, response: ServerResponse): void {
    const file = Object.keys(this.files).find((name) => path === `/${this.oidOf(name)}`);
    if (file === undefined) response.writeHead(404).end();
    else response.end(this.files[file]);
  }
}

function sendJson(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}

/** Every file below a folder by its path: `-> target` of a link, else the content, a character a byte. */
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
