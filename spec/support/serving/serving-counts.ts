import type { ExecutionContext } from 'ava';
import { temporaryFolder } from '../processes/cleanup.ts';
import { holdWorkloadsToAlone, type Served } from './serving-workloads.ts';

/** Each event must happen in at least this share of the runs: an event that never happens is not tested. */
const LEAST_SHARE = 0.1;

/**
 * Serves random workloads, and requires the right bits and that every event happened that could change them.
 */
export async function holdServingBits(t: ExecutionContext, numRuns: number): Promise<void> {
  const served = await holdWorkloadsToAlone(temporaryFolder(t), { seed: 20261122, numRuns });
  const runsWith = (count: (one: Served) => number) => served.filter((one) => count(one) > 0).length;
  const happened = {
    'sequences run together': runsWith(({ mostRunning }) => mostRunning - 1),
    'several tokens in a step': runsWith(({ tokens, steps }) => tokens - steps),
    'prefixes found': runsWith(({ prefixCache }) => prefixCache.hits),
    'blocks evicted': runsWith(({ blocks }) => blocks.evictions),
    'sequences preempted': runsWith(({ preemptions }) => preemptions),
    'blocks copied': runsWith(({ blocks }) => blocks.copies),
    'drafts accepted': runsWith(({ promptLookup }) => promptLookup.accepted),
    'drafts rejected': runsWith(({ promptLookup }) => promptLookup.drafted - promptLookup.accepted),
  };
  t.log({ runs: served.length, ...happened });
  t.is(served.length, numRuns);
  for (const [what, runs] of Object.entries(happened)) {
    t.true(runs >= LEAST_SHARE * numRuns, `${what}: in ${runs} of ${numRuns} runs only`);
  }
}
