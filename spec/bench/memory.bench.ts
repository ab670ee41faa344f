import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ensureFixture } from '../../generator/fixtures.ts';
import type { BenchResult } from './result.ts';

/** What a process may take beyond weights and cache, in MB. */
const ALLOWANCE = 200;

const PROGRAM = `
  const { Engine } = await import(process.argv[1]);
  const engine = await Engine.load(process.argv[2], { cacheTokens: Number(process.argv[3]) });
  for await (const _ of engine.generate([{ ids: [1, 2, 3, 4, 5, 6, 7, 8], maxNewTokens: 16, ignoreEos: true }]));
  console.log(JSON.stringify({ peak: process.resourceUsage().maxRSS / 1024, allocated: engine.bytesAllocated / 2 ** 20 }));
`;

/** Peak memory of a process that loads a model and generates, against weights, cache and buffers and the allowance. */
export async function benchMemory(fixture: string, cacheTokens: number): Promise<BenchResult> {
  const engine = fileURLToPath(new URL('../../engine/engine.ts', import.meta.url));
  const args = [
    '--input-type=module',
    '--eval',
    PROGRAM,
    engine,
    await ensureFixture(fixture),
    String(cacheTokens),
  ];
  const { peak, allocated } = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }));
  const baseline = allocated + ALLOWANCE;
  const name = `${fixture}, peak memory with a cache of ${cacheTokens}, allowed : taken`;
  return { name, unit: 'MB', subject: peak, baseline, ratio: baseline / peak };
}
