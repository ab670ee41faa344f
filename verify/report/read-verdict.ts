import { z } from 'zod';
import { FileError } from '../../engine/errors.ts';
import { readJsonSync } from '../../engine/terminal/read-json.ts';
import { VERDICT_FORMAT, type Verdict, verdictSchema } from '../verdict.ts';

/**
 * Reads a verdict that `--json` wrote.
 *
 * @throws FileError if the file cannot be read, is not JSON, or is not a verdict of this format.
 */
export function readVerdict(path: string): Verdict {
  const json = readJsonSync(path, FileError, 'expected what plumbline-verify --json writes');
  const parsed = verdictSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new FileError(
    `${path}: is not a verdict of format ${VERDICT_FORMAT}: ${z.prettifyError(parsed.error).split('\n').slice(0, 4).join(' ')}`,
  );
}
