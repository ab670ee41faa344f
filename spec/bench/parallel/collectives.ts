import { type Backend, installedMpis } from '../../support/groups/groups.ts';
import type { BenchContext, SuiteResult } from '../context.ts';
import type { Measurement } from '../figure.ts';
import { quantile } from '../statistics.ts';
import type { CollectiveTimes, Operation } from './collective-times.ts';
import { MPI_PACKAGES, MPIS, runCollectives } from './run-ranks.ts';

const RANKS = 2;
const COLLECTIVES: readonly Operation[] = ['barrier', 'all-reduce', 'all-gather'];

/**
 * The cost of collectives of two ranks. The limit of short ones is half a round trip of a message of as many
 * bytes over the same transport; the limit of long ones is the rate of a FIFO alone.
 */
export async function collectives({ profile, report }: BenchContext): Promise<SuiteResult> {
  const { shortBytes, longBytes } = profile.parallel;
  const result: SuiteResult = { measurements: [], skipped: [] };
  const mpis = installedMpis();
  for (const backend of ['fork', ...MPIS] as const) {
    if (backend !== 'fork' && !mpis.includes(backend)) {
      const reason = `it is not installed; install its mpirun (apt install ${MPI_PACKAGES[backend]}) and koffi (npm install koffi)`;
      result.skipped.push({ subject: backend, reason });
      continue;
    }
    report(`parallel: collectives, ${backend}`);
    const sizes = [...shortBytes, ...longBytes];
    const times = await runCollectives(backend, RANKS, {
      name: 'collectives',
      rounds: profile.rounds,
      sizes,
    });
    result.measurements.push(...latencies(times, backend, longBytes), ...rates(times, backend, longBytes));
  }
  return result;
}

/** Times of short collectives: no collective is faster than half a round trip. */
function latencies(
  times: readonly CollectiveTimes[],
  backend: Backend,
  longBytes: readonly number[],
): Measurement[] {
  const short = times.filter(({ bytes }) => !longBytes.includes(bytes));
  return [...COLLECTIVES, 'round trip' as const].flatMap((wanted) =>
    short
      .filter(({ operation }) => operation === wanted)
      .map(({ operation, bytes, samples }): Measurement => {
        const there = median(times, 'round trip', bytes) / 2;
        const limit = { value: there, from: 'half a round trip of as many bytes' };
        return {
          task: `time of a collective of ${RANKS} ranks`,
          variant: titleOf(operation, bytes),
          subject: backend,
          unit: 'µs',
          better: 'lower',
          samples,
          ...(operation === 'round trip' ? {} : { limit }),
        };
      }),
  );
}

/** Rates of long collectives. The limit over MPI is the rate of messages, because MPI does not use FIFOs. */
function rates(
  times: readonly CollectiveTimes[],
  backend: Backend,
  longBytes: readonly number[],
): Measurement[] {
  const plain: Operation = backend === 'fork' ? 'FIFO copy' : 'round trip';
  const gigabytes = (bytes: number, microseconds: number) => (RANKS * bytes) / microseconds / 1000;
  const long = times.filter(
    ({ bytes, operation }) =>
      longBytes.includes(bytes) && (operation === plain || COLLECTIVES.includes(operation)),
  );
  return long.map(({ operation, bytes, samples }): Measurement => {
    const value = gigabytes(bytes, median(times, plain, bytes));
    const from = backend === 'fork' ? 'each rank fills and empties a FIFO' : 'messages there and back';
    return {
      task: `bytes moved by a collective of ${RANKS} ranks`,
      variant: titleOf(operation, bytes),
      subject: backend,
      unit: 'GB/s',
      better: 'higher',
      samples: samples.map((microseconds) => gigabytes(bytes, microseconds)),
      ...(operation === plain ? {} : { limit: { value, from } }),
    };
  });
}

function median(times: readonly CollectiveTimes[], operation: Operation, bytes: number): number {
  const samples = times.find((time) => time.operation === operation && time.bytes === bytes)?.samples ?? [];
  return quantile(
    samples.toSorted((a, b) => a - b),
    0.5,
  );
}

function titleOf(operation: Operation, bytes: number): string {
  return bytes === 0 ? operation : `${operation} of ${bytes / 1024} KiB`;
}
