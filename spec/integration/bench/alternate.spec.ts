import test from 'ava';
import { alternate } from '../../bench/alternate.ts';

/** Contenders that note their turns. @param fails names those that fail from their n-th turn on */
function contenders(names: string[], fails: Record<string, number> = {}) {
  const turns: string[] = [];
  return {
    turns,
    all: names.map((name) => ({
      name,
      run: async () => {
        turns.push(name);
        const turn = turns.filter((other) => other === name).length;
        if (turn >= (fails[name] ?? Number.POSITIVE_INFINITY)) throw new Error(`${name} broke`);
        return turn;
      },
    })),
  };
}

test('contenders take turns after a warm-up that does not count, and another one begins each round', async (t) => {
  const { all, turns } = contenders(['a', 'b', 'c']);
  const { results, failures } = await alternate(all, { rounds: 3, maxMs: 1e9 });
  t.is(turns.join(''), 'abc' + 'abc' + 'bca' + 'cab');
  t.deepEqual(
    [...results],
    [
      ['a', [2, 3, 4]],
      ['b', [2, 3, 4]],
      ['c', [2, 3, 4]],
    ],
  );
  t.is(failures.size, 0);
});

test('a warm-up of its own takes the place of the first turn', async (t) => {
  const { all, turns } = contenders(['a']);
  let warmed = 0;
  const warmUp = async () => warmed++;
  await alternate([{ ...all[0], warmUp }], { rounds: 2, maxMs: 1e9 });
  t.deepEqual([warmed, turns.length], [1, 2]);
});

for (const [when, turn] of [
  ['at its warm-up', 1],
  ['half-way', 3],
] as const) {
  test(`who fails ${when} has no results and no more turns, and the others go on`, async (t) => {
    const { all, turns } = contenders(['a', 'b'], { b: turn });
    const { results, failures } = await alternate(all, { rounds: 3, maxMs: 1e9 });
    t.deepEqual([...results], [['a', [2, 3, 4]]]);
    t.deepEqual(
      [...failures].map(([name, { message }]) => [name, message]),
      [['b', 'b broke']],
    );
    t.is(turns.filter((name) => name === 'b').length, turn);
  });
}

test('no round begins after the time, once there have been two', async (t) => {
  for (const [maxMs, rounds] of [
    [0, 2],
    [35, 5],
    [1000, 9],
  ]) {
    // Every look at the clock takes ten milliseconds.
    let time = 0;
    const now = () => {
      time += 10;
      return time;
    };
    const { all } = contenders(['a']);
    const { results } = await alternate(all, { rounds: 9, maxMs, now });
    t.is(results.get('a')?.length, rounds, `${maxMs} ms`);
  }
});
