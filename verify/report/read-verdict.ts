import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { FileError } from '../../engine/errors.ts';
import { VERDICT_FORMAT, type Verdict, verdictSchema } from '../verdict.ts';

/**
 * Reads a verdict that `--json` wrote.
 *
 * @throws FileError if the file cannot be read, is not JSON, or is not a verdict of this format.
 */
export function readVerdict(path: string): Verdict {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? (cause as Error).message;
    throw new FileError(
      `cannot read ${path} as JSON (${reason}); expected what plumbline-verify --json writes`,
      {
        cause,
      },
    );
  }
  const parsed = verdictSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new FileError(
    `${path}: is not a verdict of format ${VERDICT_FORMAT}: ${z.prettifyError(parsed.error).split('\n').slice(0, 4).join(' ')}`,
  );
}
