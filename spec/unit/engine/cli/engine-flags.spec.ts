import test from 'ava';
import { Command } from 'commander';
import {
  addParallelFlags,
  addScheduleFlags,
  parallelOptions,
  type ScheduleFlags,
  scheduleOptions,
} from '../../../../engine/cli/engine-flags.ts';
import { parseModelConfig } from '../../../../engine/config.ts';
import { completeEngineOptions } from '../../../../engine/options.ts';
import { TINY_CONFIG } from './support.ts';

const config = parseModelConfig(TINY_CONFIG);

function cacheTokens(flags: ScheduleFlags, ...demands: [numTokens: number, numSamples?: number][]): number {
  return scheduleOptions(
    flags,
    demands.map(([numTokens, numSamples = 1]) => ({ numTokens, numSamples })),
    config,
  ).cacheTokens;
}

test('every flag sets its option, and the others have the defaults of the engine', (t) => {
  const command = addScheduleFlags(new Command());
  const schedule = (flags: ScheduleFlags) =>
    scheduleOptions(flags, [{ numTokens: 1, numSamples: 1 }], config);
  // As the engine completes them: its default of one option depends on whether another is given.
  t.deepEqual(
    completeEngineOptions(schedule({}), config),
    completeEngineOptions({ cacheTokens: 16 }, config),
  );
  t.is(completeEngineOptions(schedule({}), config).prefillChunkAlone, 256);
  const argv = '--max-batch 2 --max-batch-tokens 3 --prefill-chunk 4 --block-size 5 --cache-blocks 6';
  command.parse([...argv.split(' '), '--no-prefix-cache', '--prompt-lookup', '7'], { from: 'user' });
  t.deepEqual(schedule(command.opts()), {
    ...{ maxBatch: 2, maxBatchTokens: 3, prefillChunk: 4, blockSize: 5, cacheTokens: 30 },
    ...{ prefixCaching: false, promptLookup: 7 },
  });
});

test('the help has the defaults of the engine', (t) => {
  const help = addScheduleFlags(new Command()).helpInformation().replace(/\s+/g, ' ');
  const { maxBatch, maxBatchTokens, prefillChunk, blockSize, promptLookup } = completeEngineOptions(
    {},
    config,
  );
  t.regex(help, new RegExp(`--max-batch <n> [^-]*\\(default: ${maxBatch}\\)`));
  t.regex(help, new RegExp(`--max-batch-tokens <n> [^-]*\\(default: ${maxBatchTokens}\\)`));
  t.regex(help, new RegExp(`--prefill-chunk <n> [^-]*\\(default: ${prefillChunk}, or a whole`));
  t.regex(help, new RegExp(`--block-size <n> [^-]*\\(default: ${blockSize}\\)`));
  t.regex(help, new RegExp(`--prompt-lookup <n> [^-]*\\(default: ${promptLookup}\\)`));
});

test('the cache has the blocks of a batch of the largest requests, and no more', (t) => {
  t.is(cacheTokens({}, [5]), 16);
  t.is(cacheTokens({}, [16], [17]), 16 + 32);
  t.is(cacheTokens({ blockSize: 3 }, [4], [1]), 6 + 3);
  t.is(cacheTokens({}, [20, 3]), 3 * 32);
  // The largest two of four.
  t.is(cacheTokens({ maxBatch: 2 }, [1], [100], [1], [30]), 112 + 32);
  t.is(cacheTokens({ maxBatch: 2 }, [1, 1000]), 2 * 16);
  // 9 blocks and 10: by number, not by the first digit.
  t.is(cacheTokens({ maxBatch: 1 }, [144], [160]), 160);
  t.is(cacheTokens({ maxBatch: 2 }, [1600], [32], [160], [144]), 1600 + 160);
});

test('a cache of limited size still has room for the largest request', (t) => {
  t.is(cacheTokens({}, [3000], [3000]), 4096);
  t.is(cacheTokens({}, [5000], [3000]), 5008);
  t.is(cacheTokens({}, [90 * 16], [300 * 16]), 300 * 16);
  t.is(cacheTokens({}, [300 * 16], [90 * 16]), 300 * 16);
  t.is(cacheTokens({}, [0]), 16);
});

test('--cache-blocks sets the size of the cache', (t) => {
  t.is(cacheTokens({ cacheBlocks: 3 }, [3000]), 48);
  t.is(cacheTokens({ cacheBlocks: 1000 }, [1]), 16000);
});

const parseParallel = (...args: string[]) =>
  addParallelFlags(new Command().exitOverride()).parse(args, { from: 'user' }).opts();

const NOTHING = {
  threads: undefined,
  revectorize: true,
  tp: undefined,
  ep: undefined,
  backend: undefined,
};

test('ranks are as given, and an unknown backend is refused', (t) => {
  const ranks = { tp: 2, ep: 2, backend: 'mpi' };
  t.like(parallelOptions(parseParallel('--tp', '2', '--ep', '2', '--backend', 'mpi')), ranks);
  const command = addParallelFlags(new Command().exitOverride().configureOutput({ writeErr: () => {} }));
  t.throws(() => command.parse(['--backend', 'smoke'], { from: 'user' }), { message: /fork, mpi/ });
});

test("threads and vectors are the engine's choice unless they are given", (t) => {
  t.deepEqual(parallelOptions(parseParallel()), NOTHING);
  t.deepEqual(parallelOptions(parseParallel('--threads', '3', '--no-revectorize')), {
    ...NOTHING,
    threads: 3,
    revectorize: false,
  });
});

test('a number of things is 1 or more, and that of drafted tokens may be 0', (t) => {
  const quiet = () => new Command().exitOverride().configureOutput({ writeErr: () => {} });
  const numbers = addScheduleFlags(addParallelFlags(quiet())).options.flatMap(({ long, flags }) =>
    flags.endsWith('<n>') ? [long!] : [],
  );
  t.is(numbers.length, 9);
  for (const flag of numbers) {
    const parse = () =>
      addScheduleFlags(addParallelFlags(quiet())).parse([flag, '0'], { from: 'user' }).opts();
    if (flag === '--prompt-lookup') t.is(parse().promptLookup, 0);
    else
      t.throws(parse, { message: new RegExp(`'${flag} <n>'.*It must be a positive whole number\\.`) }, flag);
  }
});
