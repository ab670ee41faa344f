import { Job } from './job';
import { runPart } from './run';

/** Reads of a word before the thread sleeps: about 30 µs, several times the time to wake a thread. */
const SPINS: u32 = 20_000;
/** Nanoseconds of one wait for the other threads. */
const WAIT: i64 = 100_000_000;

const NUMBER_OFFSET: usize = offsetof<Job>('claims') + 4;
const DONE_OFFSET: usize = offsetof<Job>('done');
const SLEEPERS_OFFSET: usize = offsetof<Job>('sleepers');
const FAILED_OFFSET: usize = offsetof<Job>('failed');
const CLOSED_OFFSET: usize = offsetof<Job>('closed');

/** The one job of this memory; every thread is given its address. */
let job: usize = 0;
/** Which thread this is; 0 is the one that calls {@link share}. */
let thread: usize = 0;

export function attach(address: usize, index: usize): void {
  job = address;
  thread = index;
}

/** Gives all threads their scratch memory. @param bytes from one thread's to the next one's */
export function setScratch(address: usize, bytes: usize): void {
  const it = changetype<Job>(job);
  it.scratch = address;
  it.scratchBytes = bytes;
}

/** Runs a kernel over all of its units in this thread alone. */
export function run(kernel: u32, units: u32): void {
  const it = changetype<Job>(job);
  it.kernel = kernel;
  runPart(job, 0, units, 0);
}

/**
 * Runs a kernel over `units` units of work, together with the threads that serve.
 *
 * @param grain,minGrain the most and the fewest units of a part
 * @param threads that share the work, this one included
 * @param patience waits of 100 ms that may pass without progress
 * @returns 0 when all units are computed, 1 if a thread failed, 2 if a claimed part was not computed within
 * the patience.
 */
export function share(kernel: u32, units: u32, grain: u32, minGrain: u32, threads: u32, patience: u32): u32 {
  const it = changetype<Job>(job);
  it.kernel = kernel;
  it.units = units;
  it.grain = grain;
  it.minGrain = minGrain;
  it.threads = threads;
  atomic.store<u32>(job, 0, DONE_OFFSET);
  const number = (atomic.load<u64>(job) >> 32) + 1;
  atomic.store<u64>(job, (number << 32) | <u64>units);
  if (atomic.load<u32>(job, SLEEPERS_OFFSET) > 0) atomic.notify(job + NUMBER_OFFSET, -1);
  while (claimPart()) {}
  return waitForOthers(units, patience);
}

/** Works on jobs until the threads have to end. */
export function serve(): void {
  while (atomic.load<u32>(job, CLOSED_OFFSET) === 0) {
    if (claimPart()) continue;
    const number = <u32>(atomic.load<u64>(job) >> 32);
    let spins: u32 = 0;
    while (spins < SPINS && <u32>(atomic.load<u64>(job) >> 32) === number) spins++;
    if (spins < SPINS) continue;
    atomic.add<u32>(job, 1, SLEEPERS_OFFSET);
    // A job published before this wait has changed the number, so the wait returns at once; one published
    // later sees the sleeper and wakes it.
    if (atomic.load<u32>(job, CLOSED_OFFSET) === 0) atomic.wait<i32>(job + NUMBER_OFFSET, number, -1);
    atomic.sub<u32>(job, 1, SLEEPERS_OFFSET);
  }
}

/** Makes all threads end. */
export function close(): void {
  atomic.store<u32>(job, 1, CLOSED_OFFSET);
  atomic.add<u64>(job, (<u64>1) << 32);
  atomic.notify(job + NUMBER_OFFSET, -1);
}

/** Reports to the calling thread that this one failed. */
export function fail(): void {
  atomic.store<u32>(job, 1, FAILED_OFFSET);
  atomic.notify(job + DONE_OFFSET, -1);
}

/**
 * Claims one part and computes it. Towards the end parts become smaller, so that the threads end together:
 * a part is half of what each thread would have to do of the rest (guided self-scheduling, Polychronopoulos
 * and Kuck 1987).
 *
 * @returns whether there was one.
 */
function claimPart(): bool {
  const claims = atomic.load<u64>(job);
  const left = <u32>claims;
  if (left === 0) return false;
  // Read before the claim: if it succeeds, these are the values of the claimed job.
  const it = changetype<Job>(job);
  const units = it.units;
  const half = left / (2 * it.threads);
  const size = min(left, max(it.minGrain, min(it.grain, half)));
  if (atomic.cmpxchg<u64>(job, claims, claims - <u64>size) !== claims) return true;
  const first = units - left;
  runPart(job, first, first + size, thread);
  if (atomic.add<u32>(job, size, DONE_OFFSET) + size === units) atomic.notify(job + DONE_OFFSET, -1);
  return true;
}

function waitForOthers(units: u32, patience: u32): u32 {
  let spins: u32 = 0;
  while (spins < SPINS && atomic.load<u32>(job, DONE_OFFSET) !== units) spins++;
  let waits: u32 = 0;
  let before: u32 = 0;
  let done = atomic.load<u32>(job, DONE_OFFSET);
  while (done !== units) {
    if (atomic.load<u32>(job, FAILED_OFFSET) !== 0) return 1;
    waits = done === before ? waits + 1 : 0;
    if (waits > patience) return 2;
    atomic.wait<i32>(job + DONE_OFFSET, done, WAIT);
    before = done;
    done = atomic.load<u32>(job, DONE_OFFSET);
  }
  return 0;
}
