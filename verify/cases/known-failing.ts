import { readFileSync } from 'node:fs';
import { FileError } from '../../engine/errors.ts';

/**
 * Reads the ids of cases that are known to fail, one a line; `#` begins a comment.
 *
 * @throws FileError if the file cannot be read, or an id is of no case.
 */
export function readKnownFailing(path: string, ids: readonly string[]): Set<string> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new FileError(`cannot read ${path} (${code}); expected a file of case ids, one a line`, {
      cause,
    });
  }
  const known = new Set<string>();
  for (const [i, line] of text.split('\n').entries()) {
    const id = line.replace(/#.*/, '').trim();
    if (id === '') continue;
    if (!ids.includes(id)) {
      throw new FileError(
        `${path}, line ${i + 1}: there is no case "${id}"; take the line out, or correct the id`,
      );
    }
    known.add(id);
  }
  return known;
}
