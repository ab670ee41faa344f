import test from 'ava';
import { onDemand } from '../../../../generator/recording/on-demand.ts';

/** Graphs that record when they are loaded, run and disposed of. */
function graphs(forward: (ids: number[], rows: number) => Promise<string>) {
  const log: string[] = [];
  let loaded = 0;
  const load = async () => {
    const number = ++loaded;
    log.push(`load ${number}`);
    return {
      forward,
      async dispose() {
        log.push(`dispose ${number}`);
      },
    };
  };
  return { log, graph: onDemand(load) };
}

test('a graph is loaded for each pass and released after it, which gets what it was given', async (t) => {
  const { log, graph } = graphs(async (ids, rows) => `${ids} ${rows}`);
  t.deepEqual(log, []);
  t.is(await graph.forward([1, 2], 3), '1,2 3');
  t.deepEqual(log, ['load 1', 'dispose 1']);
  t.is(await graph.forward([4], 5), '4 5');
  t.deepEqual(log, ['load 1', 'dispose 1', 'load 2', 'dispose 2']);
});

test('a graph that fails is released too, and its error comes through', async (t) => {
  const reason = new RangeError('no more memory');
  const { log, graph } = graphs(() => Promise.reject(reason));
  t.is(await t.throwsAsync(graph.forward([1], 1)), reason);
  t.deepEqual(log, ['load 1', 'dispose 1']);
});
