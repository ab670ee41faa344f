/**
 * How much of the end of a text may be the beginning of a tag, so that it must be held back.
 *
 * @returns the length of the longest end of `text` that is a beginning of `tag`, but not all of it.
 */
export function partialTagLength(text: string, tag: string): number {
  for (let length = Math.min(text.length, tag.length - 1); length > 0; length--) {
    if (text.endsWith(tag.slice(0, length))) return length;
  }
  return 0;
}

/** Whether a text has a character that is not white space. */
export function isBlank(text: string): boolean {
  return !/\S/.test(text);
}
