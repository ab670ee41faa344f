import { randomUUID } from 'node:crypto';
import { copyFile, link, realpath, rename, rm, stat } from 'node:fs/promises';

/**
 * Gives a file a second name: a hard link, or a copy if that is not possible (another device, a file system
 * without links). Symbolic links would not work: ONNX Runtime refuses external data behind them or outside
 * the graph's folder. A target that is the same file is left as it is; another one is replaced atomically.
 *
 * @param hardLink injected by tests. Default `link` of node:fs.
 */
export async function linkOrCopy(source: string, target: string, hardLink = link): Promise<void> {
  // The hub's cache keeps symbolic links to its blobs; a hard link must lead to the blob.
  const original = await realpath(source);
  if (await isSameFile(original, target)) return;
  const temporary = `${target}.${randomUUID()}.tmp`;
  try {
    await hardLink(original, temporary).catch(() => copyFile(original, temporary));
    await rename(temporary, target);
  } finally {
    // Still there after a failure, or after renaming onto a link of the same file, which does nothing.
    await rm(temporary, { force: true });
  }
}

async function isSameFile(a: string, b: string): Promise<boolean> {
  const [first, second] = await Promise.all([stat(a), stat(b).catch(() => undefined)]);
  return first.dev === second?.dev && first.ino === second.ino;
}
