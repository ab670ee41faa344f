import { randomUUID } from 'node:crypto';
import { copyFile, link, realpath, rename, rm, stat } from 'node:fs/promises';

/**
 * Makes a file appear under a second name: as a hard link, or where that is not possible (another device, a file
 * system without them) as a copy. ONNX Runtime refuses external data behind a symbolic link or outside the folder of
 * the graph, so neither would do. A name that leads to the same file already is left alone; one that leads to another
 * is replaced at once, never half.
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
    // Still there after a failure, and if another writer was faster: renaming a file to a link of itself does nothing.
    await rm(temporary, { force: true });
  }
}

async function isSameFile(a: string, b: string): Promise<boolean> {
  const [first, second] = await Promise.all([stat(a), stat(b).catch(() => undefined)]);
  return first.dev === second?.dev && first.ino === second.ino;
}
