import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readdirSync, readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { writeWhole } from '../../engine/terminal/write-whole.ts';
import { keep } from './keep.ts';

/** Smaller files are read as fast as a kept hash is looked up. */
const SMALL = 4 * 2 ** 20;
/** A file that was changed so shortly before may change again without another time stamp. */
const SETTLED_MS = 2000;

export interface ModelHashOptions {
  /** Where hashes of large files are kept. */
  readonly folder: string;
  /** Ends the reading. */
  readonly signal?: AbortSignal;
  /** ms since the epoch. Default: the system's clock. */
  readonly now?: () => number;
  /** Called with each large file that has to be read. */
  readonly onRead?: (path: string) => void;
}

/**
 * SHA-256 over a model's configuration and weights. The hash of a large file is kept by its path, size, inode
 * and times of change, so that an unchanged file is read once.
 *
 * @returns in hexadecimal.
 * @throws what reading the files throws; the reason of `signal` if it is aborted.
 */
export async function modelHash(modelDir: string, options: ModelHashOptions): Promise<string> {
  const files = readdirSync(modelDir).filter(
    (file) => file === 'config.json' || file.endsWith('.safetensors'),
  );
  const hash = createHash('sha256');
  for (const file of files.sort()) {
    hash.update(`${file} ${await fileHash(join(modelDir, file), options)}\n`);
  }
  return hash.digest('hex');
}

async function fileHash(
  path: string,
  { folder, signal, now = Date.now, onRead = () => {} }: ModelHashOptions,
): Promise<string> {
  const before = await stat(path, { bigint: true });
  if (before.size < SMALL) return await read(path, signal);
  const version = versionOf(path, before);
  const name = createHash('sha256').update(version).digest('hex').slice(0, 32);
  const keptPath = join(folder, `${name}.sha256`);
  const known = existsSync(keptPath) ? readFileSync(keptPath, 'utf8') : '';
  if (/^[0-9a-f]{64}$/.test(known)) return known;
  onRead(path);
  const begin = now();
  const digest = await read(path, signal);
  const isSettled =
    Number(before.mtimeMs) < begin - SETTLED_MS && Number(before.ctimeMs) < begin - SETTLED_MS;
  if (isSettled && version === versionOf(path, await stat(path, { bigint: true })))
    keep(keptPath, () => writeWhole(keptPath, digest));
  return digest;
}

/** Changes with the file and with any change of it. */
function versionOf(
  path: string,
  file: Readonly<Record<'dev' | 'ino' | 'size' | 'mtimeNs' | 'ctimeNs', bigint>>,
) {
  return [resolve(path), file.dev, file.ino, file.size, file.mtimeNs, file.ctimeNs].join(':');
}

async function read(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  const stream = createReadStream(path, { highWaterMark: 2 ** 20 });
  for await (const chunk of stream) {
    signal?.throwIfAborted();
    hash.update(chunk);
  }
  return hash.digest('hex');
}
