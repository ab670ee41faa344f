/** Elements that are worked on in one turn: 256 rows of 20 log-probabilities take 5 ms. */
const ELEMENTS_PER_TURN = 256;

/** Lets everything else of this thread have its turn, such as `/health`. */
export async function otherTurns(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
}

/** `Array.map()` that does not hold up the thread, however long the array is. */
export async function mapInTurns<T, U>(
  elements: readonly T[],
  map: (element: T, index: number) => U,
): Promise<U[]> {
  const mapped: U[] = [];
  for (const [index, element] of elements.entries()) {
    if (index > 0 && index % ELEMENTS_PER_TURN === 0) await otherTurns();
    mapped.push(map(element, index));
  }
  return mapped;
}
