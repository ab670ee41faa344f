/** How the text begins that git leaves in place of a large file. */
const BEGINNING = 'version https://git-lfs.github.com/spec/v1\n';

/**
 * What to say of a file that cannot be read because it is a Git LFS pointer.
 *
 * @param bytes the file, or its first bytes.
 * @returns undefined for any other file.
 */
export function lfsPointer(bytes: Uint8Array): string | undefined {
  const isPointer = Buffer.from(bytes.subarray(0, BEGINNING.length)).toString('latin1') === BEGINNING;
  return isPointer
    ? 'it is a Git LFS pointer, not the file itself; run git lfs pull where the model was cloned'
    : undefined;
}
