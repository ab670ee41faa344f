/** Up to this length every position of a case is judged; beyond it those that goldens store, and the greedy tokens. */
const ALL_POSITIONS = 96;
/** Positions between those, of a case whose goldens store none. */
const SPREAD = 32;

/**
 * The positions of a case whose rows are judged. The choice depends on the case alone, so that what was computed for them can
 * be kept.
 *
 * @param stored positions of the prompt that goldens store, ascending. Default: 32 evenly spread ones.
 * @returns positions of prompt and greedy tokens, ascending.
 */
export function judgedPositions(
  promptLength: number,
  numGreedy: number,
  stored?: readonly number[],
): number[] {
  const length = promptLength + numGreedy;
  const all = Array.from({ length }, (_, position) => position);
  if (length <= ALL_POSITIONS) return all;
  const others =
    stored ?? Array.from({ length: SPREAD }, (_, i) => Math.floor((i * (promptLength - 1)) / (SPREAD - 1)));
  const chosen = new Set(others);
  return all.filter((position) => position >= promptLength - 1 || chosen.has(position));
}
