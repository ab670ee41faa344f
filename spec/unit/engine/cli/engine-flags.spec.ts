import test from 'ava';
import { Command } from 'commander';
import { addEngineFlags, type EngineFlags, engineOptions } from '../../../../engine/cli/engine-flags.ts';
import { parseModelConfig } from '../../../../engine/config.ts';
import { completeEngineOptions } from '../../../../engine/options.ts';
import { TINY_CONFIG } from './support.ts';

const config = parseModelConfig(TINY_CONFIG);

function cacheTokens(flags: EngineFlags, ...demands: [numTokens: number, numSamples?: number][]): number {
  return engineOptions(
    flags,
    demands.map(([numTokens, numSamples = 1]) => ({ numTokens, numSamples })),
    config,
  ).cacheTokens;
}

test('every flag has its option, and what is not given is as the engine has it', (t) => {
  const command = addEngineFlags(new Command());
  t.deepEqual(engineOptions({}, [{ numTokens: 1, numSamples: 1 }], config), {
    ...completeEngineOptions({}, config),
    cacheTokens: 16,
  });
  const argv = '--max-batch 2 --max-batch-tokens 3 --prefill-chunk 4 --block-size 5 --cache-blocks 6';
  command.parse([...argv.split(' '), '--no-prefix-cache'], { from: 'user' });
  t.deepEqual(engineOptions(command.opts(), [{ numTokens: 1, numSamples: 1 }], config), {
    ...{ maxBatch: 2, maxBatchTokens: 3, prefillChunk: 4, blockSize: 5, cacheTokens: 30 },
    prefixCaching: false,
  });
});

test('the help tells the defaults of the engine', (t) => {
  const help = addEngineFlags(new Command()).helpInformation().replace(/\s+/g, ' ');
  const { maxBatch, maxBatchTokens, prefillChunk, blockSize } = completeEngineOptions({}, config);
  t.regex(help, new RegExp(`--max-batch <n> [^-]*\\(default: ${maxBatch}\\)`));
  t.regex(help, new RegExp(`--max-batch-tokens <n> [^-]*\\(default: ${maxBatchTokens}\\)`));
  t.regex(help, new RegExp(`--prefill-chunk <n> [^-]*\\(default: ${prefillChunk}\\)`));
  t.regex(help, new RegExp(`--block-size <n> [^-]*\\(default: ${blockSize}\\)`));
});

test('the cache has whole blocks for every request that is computed at once, and no more', (t) => {
  t.is(cacheTokens({}, [5]), 16);
  t.is(cacheTokens({}, [16], [17]), 16 + 32);
  t.is(cacheTokens({ blockSize: 3 }, [4], [1]), 6 + 3);
  t.is(cacheTokens({}, [20, 3]), 3 * 32);
  // The largest two of four.
  t.is(cacheTokens({ maxBatch: 2 }, [1], [100], [1], [30]), 112 + 32);
  t.is(cacheTokens({ maxBatch: 2 }, [1, 1000]), 2 * 16);
});

test('a cache that would become large has room for the largest request at least', (t) => {
  t.is(cacheTokens({}, [3000], [3000]), 4096);
  t.is(cacheTokens({}, [5000], [3000]), 5008);
  t.is(cacheTokens({}, [0]), 16);
});

test('a number of blocks that is given is taken as it is', (t) => {
  t.is(cacheTokens({ cacheBlocks: 3 }, [3000]), 48);
  t.is(cacheTokens({ cacheBlocks: 1000 }, [1]), 16000);
});
