/** `npm run bench`: speed and memory, each against a baseline measured in the same run. */
import { writeFileSync } from 'node:fs';
import { Command } from 'commander';
import ora from 'ora';
import { benchKernels } from './kernels.bench.ts';
import { benchMemory } from './memory.bench.ts';
import { benchModel } from './model.bench.ts';
import { type BenchResult, formatResults } from './result.ts';
import { benchServing } from './serving.bench.ts';

const { json } = new Command('bench')
  .description('Measures speed and memory as ratios; machines differ, ratios of one run do not.')
  .option('--json <file>', 'write the results as JSON too')
  .parse()
  .opts<{ json?: string }>();

const parts: Record<string, () => Promise<BenchResult[]>> = {
  kernels: benchKernels,
  'dense-bf16': () => benchModel('dense-bf16'),
  moe: () => benchModel('moe'),
  serving: benchServing,
  memory: async () => [
    await benchMemory('dense-bf16', 256),
    await benchMemory('dense-bf16', 4096),
    await benchMemory('moe', 4096),
  ],
};
// Raw mode would swallow Ctrl-C; a terminal without width would be redrawn for ever.
const isSilent = !process.stderr.isTTY || !process.stderr.columns;
const spinner = ora({ isSilent, discardStdin: false }).start();
const results: BenchResult[] = [];
for (const [name, run] of Object.entries(parts)) {
  spinner.text = `measuring ${name}`;
  results.push(...(await run()));
}
spinner.stop();
process.stdout.write(`${formatResults(results)}\n`);
if (json) writeFileSync(json, `${JSON.stringify({ node: process.version, results }, null, 2)}\n`);
