import type { BenchContext, SuiteResult } from '../context.ts';
import { collectives } from '../parallel/collectives.ts';
import { sharded } from '../parallel/sharded.ts';
import { traffic } from '../parallel/traffic.ts';

/** What ranks cost and save: collectives, the engine over two ranks and over one process, bytes sent. */
export async function parallel(context: BenchContext): Promise<SuiteResult> {
  const parts = [await collectives(context)];
  if (context.subjects.includes('plumbline')) parts.push(await sharded(context), await traffic(context));
  return {
    measurements: parts.flatMap(({ measurements }) => measurements),
    skipped: parts.flatMap(({ skipped }) => skipped),
  };
}
