/** Rows of one case that are judged, at most: a server is asked for each of them apart if it scores no prompts. */
const MAX_ROWS = 96;
/** Scores of one case, at most, if a subject gives whole rows: 16 Mi f32 are 64 MiB. */
const MAX_SCORES = 2 ** 24;

/**
 * The positions of a case whose rows are judged: those that goldens store, the row of each greedy token, and others evenly
 * between them. The choice depends on the case alone, so that what was computed for them can be kept.
 *
 * @param stored positions of the prompt, ascending. Default: none.
 * @returns positions of prompt and greedy tokens, ascending.
 */
export function judgedPositions(
  { promptLength, numGreedy, vocabSize }: { promptLength: number; numGreedy: number; vocabSize: number },
  stored: readonly number[] = [],
): number[] {
  const length = promptLength + numGreedy;
  const chosen = new Set(stored);
  for (let step = 0; step < numGreedy; step++) chosen.add(promptLength - 1 + step);
  const most = Math.min(
    length,
    Math.max(chosen.size, Math.min(MAX_ROWS, Math.floor(MAX_SCORES / vocabSize))),
  );
  const others = Array.from({ length }, (_, position) => position).filter(
    (position) => !chosen.has(position),
  );
  const missing = most - chosen.size;
  for (let i = 0; i < missing; i++) chosen.add(others[Math.floor((i * others.length) / missing)]);
  return [...chosen].sort((a, b) => a - b);
}
