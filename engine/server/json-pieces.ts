import { otherTurns } from './turns.ts';

/** Characters of a piece: its JSON takes less than 2 ms. */
const PIECE_LENGTH = 2 ** 16;
/** Levels that are taken apart: answer, choices, choice, its log-probabilities, their lists. */
const MAX_LEVELS = 5;
/** Elements of a list that is long enough to be cut: they are not taken apart themselves. */
const LONG_LIST = 64;

/**
 * `JSON.stringify()` in pieces: the log-probabilities of a long prompt are 6 MB of JSON, and all other
 * requests wait while they are written.
 *
 * @param answer plain data without cycles and `toJSON`.
 * @returns at least one piece; all but the last have {@link PIECE_LENGTH} characters or more.
 */
export function* jsonPieces(answer: object): Generator<string, void> {
  let piece = '';
  for (const part of partsOf(answer, MAX_LEVELS)) {
    piece += part;
    if (piece.length < PIECE_LENGTH) continue;
    yield piece;
    piece = '';
  }
  yield piece;
}

/** Yields pieces, with a turn for everything else after each. */
export async function* inTurns(pieces: Iterable<string>): AsyncGenerator<string, void> {
  for (const piece of pieces) {
    yield piece;
    await otherTurns();
  }
}

function* partsOf(value: unknown, levels: number): Generator<string, void> {
  if (levels === 0 || typeof value !== 'object' || value === null) {
    // An array has null for what is no JSON, and an object leaves it out below.
    yield JSON.stringify(value) ?? 'null';
    return;
  }
  if (Array.isArray(value)) {
    const inner = value.length < LONG_LIST ? levels - 1 : 0;
    for (const [i, element] of value.entries()) {
      yield i === 0 ? '[' : ',';
      yield* partsOf(element, inner);
    }
    yield value.length === 0 ? '[]' : ']';
    return;
  }
  let numMembers = 0;
  for (const [key, member] of Object.entries(value)) {
    if (member === undefined) continue;
    yield `${numMembers++ === 0 ? '{' : ','}${JSON.stringify(key)}:`;
    yield* partsOf(member, levels - 1);
  }
  yield numMembers === 0 ? '{}' : '}';
}
