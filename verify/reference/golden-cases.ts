import { readCase, readManifest } from '../../golden/goldens.ts';
import { judgedPositions } from '../../golden/judged-positions.ts';
import type { RowsCase } from './rows.ts';

/** Longer cases are compared with stored goldens alone: an imitation's time grows with the square. */
const MOST_IDS = 512;

/**
 * The cases of a stored golden that are judged by their rows: each prompt with the golden's greedy tokens
 * after it.
 *
 * @throws FileError if the goldens cannot be read.
 */
export function goldenCases(model: string, folder?: string): RowsCase[] {
  return readManifest(model, folder).cases.flatMap((id) => {
    const golden = readCase(model, id, folder);
    if ('refusal' in golden) return [];
    const ids = [...golden.ids, ...golden.greedy.tokens];
    if (ids.length > MOST_IDS) return [];
    const promptLength = golden.ids.length;
    const positions = judgedPositions(promptLength, golden.greedy.tokens.length, golden.positions);
    return [{ id, ids, promptLength, positions }];
  });
}
