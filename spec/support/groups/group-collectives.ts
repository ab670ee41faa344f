import fc from 'fast-check';
import type { ProcessGroup, Tensor } from '../../../engine/parallel/process-group.ts';

/** A collective with seeded values, which every rank knows, so that each can check what it receives. */
export interface Step {
  kind: 'barrier' | 'allGather' | 'inPlace' | 'allReduce' | 'broadcast' | 'allToAll' | 'ring' | 'agree';
  type: 'Float32Array' | 'Int32Array' | 'Uint8Array';
  length: number;
  seed: number;
  /** Parts of an all-to-all: rank r sends `counts[(r + 3·s) mod n]` values to s. */
  counts: number[];
  /** The rank that is late, and by how many ms. */
  late: number;
  delay: number;
}

interface TensorType {
  readonly BYTES_PER_ELEMENT: number;
  new (length: number): Tensor;
  new (buffer: ArrayBufferLike): Tensor;
}

const TYPES: Readonly<Record<Step['type'], TensorType>> = { Float32Array, Int32Array, Uint8Array };

/** Small lengths, and lengths around 65 520 bytes, which is moved and added at once. */
const fewValues = fc.integer({ min: 0, max: 64 });
const lengths = fc.oneof(
  { weight: 4, arbitrary: fewValues },
  { weight: 2, arbitrary: fc.constantFrom(0, 1, 16_379, 16_380, 16_381, 65_520, 65_521) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 100_000 }) },
);

const stepsOf = (length: fc.Arbitrary<number>, delay: fc.Arbitrary<number>): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.record({
      kind: fc.constantFrom<Step['kind'][]>(
        'barrier',
        'allGather',
        'inPlace',
        'allReduce',
        'broadcast',
        'allToAll',
        'ring',
        'agree',
      ),
      type: fc.constantFrom<Step['type'][]>('Float32Array', 'Int32Array', 'Uint8Array'),
      length,
      seed: fc.integer({ min: 1, max: 2 ** 30 }),
      counts: fc.array(length, { minLength: 1, maxLength: 5 }),
      late: fc.nat({ max: 7 }),
      delay,
    }),
    { minLength: 1, maxLength: 6 },
  );

const steps = stepsOf(lengths, fc.constantFrom(0, 0, 0, 1, 3));
/** Steps of few values, in which no rank is late. */
export const shortSteps = stepsOf(fewValues, fc.constant(0));

/**
 * Rank 0 draws steps and broadcasts them; every rank runs them and checks what it receives, bit by bit.
 *
 * @throws Error with the smallest failing steps.
 */
export function checkCollectives(
  group: ProcessGroup,
  { numRuns, seed }: { numRuns: number; seed: number },
): void {
  if (group.rank > 0) {
    for (let next = broadcastText(group, ''); next !== ''; next = broadcastText(group, ''))
      runSteps(group, JSON.parse(next));
    return;
  }
  const property = fc.property(steps, (drawn) => {
    broadcastText(group, JSON.stringify(drawn));
    const wrong = runSteps(group, drawn);
    if (wrong !== '') throw new Error(wrong);
  });
  fc.assert(property, { seed, numRuns });
  broadcastText(group, '');
}

/** Broadcasts a text from rank 0. */
function broadcastText(group: ProcessGroup, text: string): string {
  const length = new Int32Array([Buffer.byteLength(text)]);
  group.broadcast(length, 0);
  const bytes = new Uint8Array(length[0]);
  bytes.set(Buffer.from(text).subarray(0, length[0]));
  group.broadcast(bytes, 0);
  return Buffer.from(bytes).toString();
}

/** @returns the same on every rank: the ranks and steps that failed, empty if none did. */
export function runSteps(group: ProcessGroup, drawn: readonly Step[]): string {
  const wrong = drawn.findIndex((step) => !runStep(group, step));
  const all = new Int32Array(group.size);
  group.allGather(new Int32Array([wrong]), all);
  return [...all]
    .flatMap((step, rank) => (step < 0 ? [] : [`rank ${rank} got other values in step ${step}`]))
    .join();
}

/**
 * A failing step does not end the others: no rank may be left waiting.
 *
 * @returns whether this rank received what it should.
 */
function runStep(group: ProcessGroup, step: Step): boolean {
  const { rank, size } = group;
  const ranks = [...Array(size).keys()];
  if (step.late % size === rank && step.delay > 0) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, step.delay);
  }
  const of = (r: number, length = step.length) => values(step, r, length);
  switch (step.kind) {
    case 'barrier':
      group.barrier();
      return true;
    case 'agree':
      group.agree('a thing', String(step.seed));
      return true;
    case 'allGather': {
      const all = memory(step, size * step.length);
      group.allGather(of(rank), all);
      return equal(
        all,
        concat(
          step,
          ranks.map((r) => of(r)),
        ),
      );
    }
    case 'inPlace': {
      const all = memory(step, size * step.length);
      const mine = all.subarray(rank * step.length, (rank + 1) * step.length);
      mine.set(of(rank));
      group.allGather<Tensor>(mine, all);
      return equal(
        all,
        concat(
          step,
          ranks.map((r) => of(r)),
        ),
      );
    }
    case 'allReduce': {
      const floats = (r: number) => values({ ...step, type: 'Float32Array' }, r, step.length) as Float32Array;
      const got = floats(rank);
      if ((size & (size - 1)) !== 0) return refuses(() => group.allReduce(got));
      group.allReduce(got);
      return equal(got, sumOf(ranks.map(floats)));
    }
    case 'broadcast': {
      const root = step.seed % size;
      const got = of(rank);
      group.broadcast(got, root);
      return equal(got, of(root));
    }
    case 'allToAll': {
      const count = (from: number, to: number) => step.counts[(from + 3 * to) % step.counts.length];
      const part = (from: number, to: number) =>
        values({ ...step, seed: step.seed + to }, from, count(from, to));
      const expected = concat(
        step,
        ranks.map((from) => part(from, rank)),
      );
      const incoming = memory(step, expected.length);
      group.allToAll<Tensor>({
        outgoing: concat(
          step,
          ranks.map((to) => part(rank, to)),
        ),
        outgoingCounts: ranks.map((to) => count(rank, to)),
        incoming,
        incomingCounts: ranks.map((from) => count(from, rank)),
      });
      return equal(incoming, expected);
    }
    case 'ring': {
      const [next, previous] = [(rank + 1) % size, (rank + size - 1) % size];
      const got = memory(step, step.length);
      // Rank 0 receives first; otherwise all ranks could wait for room.
      if (rank === 0) group.receive(got, previous);
      group.send(of(rank), next);
      if (rank !== 0) group.receive(got, previous);
      return equal(got, of(previous));
    }
  }
}

/** Memory of one thread, or shared memory as kernels with several threads have it. */
function memory({ type, seed }: Pick<Step, 'type' | 'seed'>, length: number): Tensor {
  const Type = TYPES[type];
  const bytes = length * Type.BYTES_PER_ELEMENT;
  return new Type(seed % 2 === 0 ? new ArrayBuffer(bytes) : new SharedArrayBuffer(bytes));
}

/**
 * The seeded values of a rank; floats of very different magnitudes, so that the order of a sum changes its
 * bits.
 */
function values({ type, seed }: Pick<Step, 'type' | 'seed'>, rank: number, length: number): Tensor {
  let state = Math.imul(seed, 2 * rank + 1);
  const result = memory({ type, seed }, length);
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    const word = state >>> 3;
    result[i] = type === 'Float32Array' ? (state / 2 ** 31) * 2 ** (word % 24) : word;
  }
  return result;
}

/** The sum that ProcessGroup.allReduce documents, recursively. */
function sumOf(vectors: readonly Float32Array[]): Float32Array {
  if (vectors.length === 1) return vectors[0];
  const half = vectors.length / 2;
  const [left, right] = [sumOf(vectors.slice(0, half)), sumOf(vectors.slice(half))];
  return left.map((value, i) => Math.fround(value + right[i]));
}

function concat({ type }: Step, parts: readonly Tensor[]): Tensor {
  const all = new TYPES[type](parts.reduce((sum, part) => sum + part.length, 0));
  let end = 0;
  for (const part of parts) {
    all.set(part, end);
    end += part.length;
  }
  return all;
}

/** Whether the memory is equal, bit by bit. */
function equal(got: Tensor, expected: Tensor): boolean {
  const bytes = (tensor: Tensor) => Buffer.from(tensor.buffer, tensor.byteOffset, tensor.byteLength);
  return bytes(got).equals(bytes(expected));
}

function refuses(call: () => void): boolean {
  try {
    call();
    return false;
  } catch (error) {
    return error instanceof RangeError;
  }
}

/** One large all-gather and all-reduce. @throws Error if a value is wrong. */
export function checkLarge(group: ProcessGroup, bytes: number): void {
  const n = bytes / 4;
  const mine = filled(n, (i) => (i % 1021) + group.rank);
  const all = new Float32Array(n * group.size);
  group.allGather(mine, all);
  for (let rank = 0; rank < group.size; rank++) {
    const part = all.subarray(rank * n, (rank + 1) * n);
    if (
      !equal(
        part,
        filled(n, (i) => (i % 1021) + rank),
      )
    ) {
      throw new Error(`rank ${group.rank} gathered other values of rank ${rank}`);
    }
  }
  group.allReduce(mine);
  const offsets = (group.size * (group.size - 1)) / 2;
  if (
    !equal(
      mine,
      filled(n, (i) => (i % 1021) * group.size + offsets),
    )
  ) {
    throw new Error(`rank ${group.rank} got another sum`);
  }
}

function filled(length: number, valueAt: (index: number) => number): Float32Array {
  const values = new Float32Array(length);
  for (let i = 0; i < length; i++) values[i] = valueAt(i);
  return values;
}
