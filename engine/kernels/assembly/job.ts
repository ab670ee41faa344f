import * as constants from '../constants';

/** Bytes of a job without its arguments. */
const JOB_BYTES: usize = <usize>constants.JOB_BYTES;

/**
 * A kernel call that threads share, in the memory that they share. Its work is cut into parts, which the threads claim one
 * after the other until none is left; what a part computes does not depend on who computes it.
 */
@unmanaged
export class Job {
  /**
   * The number of the job in the upper 32 bits, the parts that nobody has claimed yet in the lower. Both change together, so
   * a thread that comes late, with the arguments of an older job in hand, cannot claim a part of this one.
   */
  claims!: u64;
  parts!: u32;
  /** Parts that are computed. */
  done!: u32;
  /** Threads that wait for the next job's number. */
  sleepers!: u32;
  /** Not 0 once a thread has failed. */
  failed!: u32;
  /** Not 0 once the threads shall end. */
  closed!: u32;
  /** One of ../constants.ts. */
  kernel!: u32;
  /** Units of work, and how many of them are a part. */
  units!: u32;
  grain!: u32;
  /** Scratch memory of thread 0, and the bytes to the next thread's. */
  scratch!: usize;
  scratchBytes!: usize;
  /** The one argument that is no count and no address: a scale, the eps of a norm. */
  factor!: f32;
}

/** An argument of the kernel; they follow the job as 32-bit words. */
export function argument(job: usize, index: usize): usize {
  return load<usize>(job + JOB_BYTES + index * sizeof<usize>());
}
