import { createHash } from 'node:crypto';
import { disagreement } from './agreement.ts';
import type {
  AllToAllParts,
  ProcessGroup,
  ReduceOptions,
  Tensor,
  Traffic,
  VectorAdder,
  WaitOptions,
} from './process-group.ts';
import type { Kind, Parts, Transport } from './transport.ts';
import { isPowerOfTwo, PLAIN_ADDER, sumTree } from './tree-sum.ts';

/**
 * Values that an all-reduce receives from each rank and adds at a time, while they are in the cache: 64 KiB,
 * which a FIFO takes in one piece. With more than two ranks, longer all-reduces go by slices. Two ranks send
 * the same number of bytes either way. Time by slices over time without, measured over FIFOs on two cores:
 *
 * - 4 ranks: 1.5 for 8192 values, 0.5 for 16 384, 0.45 for 131 072;
 * - 8 ranks: 0.4 for 131 072 values.
 */
const REDUCED_AT_ONCE = 16_380;
const HASH_BYTES = 32;

/**
 * Collectives over any transport. Every rank exchanges messages with every other directly: groups are small.
 */
export class Collectives implements ProcessGroup {
  readonly rank: number;
  readonly size: number;
  readonly #transport: Transport;
  /** By the adder that allocated it: by rank, memory for what an all-reduce receives. */
  readonly #partials = new WeakMap<VectorAdder, Float32Array[]>();
  readonly #traffic = { messages: 0, bytesSent: 0 };

  constructor(transport: Transport) {
    this.rank = transport.rank;
    this.size = transport.size;
    this.#transport = transport;
  }

  barrier(options?: WaitOptions): void {
    const nothing = this.#peers(() => new Uint8Array());
    this.#exchange('barrier', nothing, nothing, options);
  }

  allGather<T extends Tensor>(mine: T, all: T, options?: WaitOptions): void {
    this.#gather('allGather', mine, all, options);
  }

  allReduce(values: Float32Array, options?: ReduceOptions): void {
    if (!isPowerOfTwo(this.size)) {
      throw new RangeError(
        `An all-reduce needs 1, 2, 4, 8, … ranks, for a balanced tree; this group has ${this.size}`,
      );
    }
    const bySlices = this.size > 2 && values.length > REDUCED_AT_ONCE;
    const atOnce = bySlices ? this.size * REDUCED_AT_ONCE : REDUCED_AT_ONCE;
    // An empty all-reduce is exchanged too, so that a rank whose values are not empty is found.
    for (let from = 0; from === 0 || from < values.length; from += atOnce) {
      const some = values.subarray(from, from + atOnce);
      if (bySlices) this.#reduceBySlices(some, options);
      else this.#reduce(some, options);
    }
  }

  broadcast(values: Tensor, root: number, options?: WaitOptions): void {
    this.#checkRank(root);
    const bytes = bytesOf(values);
    if (this.rank === root) {
      const toAll = this.#peers(() => bytes);
      this.#exchange('broadcast', toAll, this.#nothing, options);
    } else {
      this.#exchange('broadcast', this.#nothing, this.#only(root, bytes), options);
    }
  }

  allToAll<T extends Tensor>(parts: AllToAllParts<T>, options?: WaitOptions): void {
    const { outgoing, outgoingCounts, incoming, incomingCounts } = parts;
    const sent = cut(outgoing, outgoingCounts, this.size, 'outgoing');
    const received = cut(incoming, incomingCounts, this.size, 'incoming');
    if (sent[this.rank].length !== received[this.rank].length) {
      const [own, expected] = [sent[this.rank].length, received[this.rank].length];
      throw new RangeError(`Rank ${this.rank} sends itself ${own} bytes and expects ${expected} from itself`);
    }
    received[this.rank].set(sent[this.rank]);
    const toEach = this.#peers((rank) => sent[rank]);
    const fromEach = this.#peers((rank) => received[rank]);
    this.#exchange('allToAll', toEach, fromEach, options);
  }

  send(values: Tensor, to: number, options?: WaitOptions): void {
    this.#checkPeer(to);
    const bytes = bytesOf(values);
    this.#exchange('send/receive', this.#only(to, bytes), this.#nothing, options);
  }

  receive(values: Tensor, from: number, options?: WaitOptions): void {
    this.#checkPeer(from);
    const bytes = bytesOf(values);
    this.#exchange('send/receive', this.#nothing, this.#only(from, bytes), options);
  }

  agree(name: string, value: string | Uint8Array, options?: WaitOptions): void {
    const hashes = new Uint8Array(this.size * HASH_BYTES);
    const mine = createHash('sha256').update(`${name}\0`).update(value).digest();
    this.#gather('agree', new Uint8Array(mine), hashes, options);
    const hex = Array.from({ length: this.size }, (_, rank) =>
      Buffer.from(hashes.buffer, rank * HASH_BYTES, HASH_BYTES).toString('hex'),
    );
    const failure = disagreement(name, hex);
    if (failure) throw this.#transport.fail(failure);
  }

  traffic(): Traffic {
    return { ...this.#traffic };
  }

  check(): void {
    this.#transport.check();
  }

  abort(reason: string): never {
    return this.#transport.abort(reason);
  }

  close(): Promise<void> {
    return this.#transport.close();
  }

  #exchange(kind: Kind, outgoing: Parts, incoming: Parts, options?: WaitOptions): void {
    this.#transport.exchange(kind, outgoing, incoming, options?.timeoutMs);
    for (const part of outgoing) {
      if (!part) continue;
      this.#traffic.messages++;
      this.#traffic.bytesSent += part.length;
    }
  }

  #gather(kind: Kind, mine: Tensor, all: Tensor, options?: WaitOptions): void {
    if (all.length !== mine.length * this.size) {
      throw new RangeError(
        `${this.size} ranks with ${mine.length} values each do not fill ${all.length} values`,
      );
    }
    const bytes = bytesOf(mine);
    const gathered = bytesOf(all);
    const place = (rank: number) => gathered.subarray(rank * bytes.length, (rank + 1) * bytes.length);
    if (bytes.buffer !== gathered.buffer || bytes.byteOffset !== place(this.rank).byteOffset) {
      place(this.rank).set(bytes);
    }
    const toAll = this.#peers(() => bytes);
    this.#exchange(kind, toAll, this.#peers(place), options);
  }

  /**
   * Every rank sends all n values to all others and adds them: each sends (ranks − 1) · n values, in one
   * exchange.
   */
  #reduce(values: Float32Array, options?: ReduceOptions): void {
    const parts = this.#partialsWith(values, options?.adder);
    const mine = bytesOf(values);
    const toAll = this.#peers(() => mine);
    const fromAll = this.#peers((rank) => bytesOf(parts[rank]));
    this.#exchange('allReduce', toAll, fromAll, options);
    sumTree(parts, values, options?.adder);
  }

  /**
   * Every rank adds one slice and sends its sum to all others: 2 · (ranks − 1) / ranks · n values, in two
   * exchanges.
   */
  #reduceBySlices(values: Float32Array, options?: ReduceOptions): void {
    const length = Math.ceil(values.length / this.size);
    const slices = Array.from({ length: this.size }, (_, rank) =>
      values.subarray(rank * length, (rank + 1) * length),
    );
    const mine = slices[this.rank];
    const parts = this.#partialsWith(mine, options?.adder);
    const theirs = this.#peers((rank) => bytesOf(slices[rank]));
    const partials = this.#peers((rank) => bytesOf(parts[rank]));
    this.#exchange('allReduce', theirs, partials, options);
    sumTree(parts, mine, options?.adder);
    const sum = bytesOf(mine);
    const toAll = this.#peers(() => sum);
    this.#exchange('allReduce', toAll, theirs, options);
  }

  /** By rank, memory for as many values as `mine` has; this rank's part is `mine` itself. */
  #partialsWith(mine: Float32Array, adder = PLAIN_ADDER): Float32Array[] {
    const partials = this.#partials.get(adder) ?? this.#newPartials(adder);
    const parts = partials.map((partial) => partial.subarray(0, mine.length));
    parts[this.rank] = mine;
    return parts;
  }

  #newPartials(adder: VectorAdder): Float32Array[] {
    const partials = Array.from({ length: this.size }, () => adder.allocate(REDUCED_AT_ONCE));
    this.#partials.set(adder, partials);
    return partials;
  }

  get #nothing(): Parts {
    return this.#peers(() => undefined);
  }

  #only(peer: number, bytes: Uint8Array): Parts {
    return this.#peers((rank) => (rank === peer ? bytes : undefined));
  }

  /** By rank, what to exchange with it; undefined for this rank. */
  #peers(part: (rank: number) => Uint8Array | undefined): Parts {
    return Array.from({ length: this.size }, (_, rank) => (rank === this.rank ? undefined : part(rank)));
  }

  #checkRank(rank: number): void {
    if (!Number.isInteger(rank) || rank < 0 || rank >= this.size) {
      throw new RangeError(`Rank ${rank} is not in a group of ${this.size}: expected 0 to ${this.size - 1}`);
    }
  }

  #checkPeer(rank: number): void {
    this.#checkRank(rank);
    if (rank === this.rank) throw new RangeError(`Rank ${rank} cannot exchange messages with itself`);
  }
}

function bytesOf(values: Tensor): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** The consecutive parts of a tensor, as bytes. */
function cut(values: Tensor, counts: ArrayLike<number>, size: number, what: string): Uint8Array[] {
  const total = Array.from(counts).reduce((sum, count) => sum + count, 0);
  if (
    counts.length !== size ||
    total !== values.length ||
    Array.from(counts).some((count) => !(count >= 0))
  ) {
    const found = `[${Array.from(counts).join(', ')}]`;
    throw new RangeError(`The ${what} counts ${found} do not cut ${values.length} values into ${size} parts`);
  }
  let end = 0;
  return Array.from(counts, (count) => {
    end += count;
    return bytesOf(values.subarray(end - count, end) as Tensor);
  });
}
