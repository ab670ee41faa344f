import test from 'ava';
import { mapInTurns } from '../../../../engine/server/turns.ts';

test('a long array is mapped in order, and everything else has its turn meanwhile', async (t) => {
  const elements = Array.from({ length: 1000 }, (_, i) => i);
  let numDone = 0;
  const seen: number[] = [];
  const look = () => {
    seen.push(numDone);
    if (numDone < elements.length) setImmediate(look);
  };
  setImmediate(look);
  const mapped = await mapInTurns(elements, (element, index) => {
    numDone++;
    return [element, index];
  });
  t.deepEqual(
    mapped,
    elements.map((element) => [element, element]),
  );
  t.deepEqual(seen.slice(0, 3), [256, 512, 768]);
  t.deepEqual(await mapInTurns([], String), []);
});
