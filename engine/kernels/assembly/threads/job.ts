/**
 * A kernel call in shared memory. Its work is cut into parts, which threads claim one after the other until
 * none is left. The result of a part does not depend on the thread. The kernel's arguments follow at
 * JOB_BYTES of ../../abi.ts.
 */
@unmanaged
export class Job {
  /**
   * The number of the job in the upper 32 bits, the count of unclaimed units in the lower. Both change
   * together, so a late thread that has read the arguments of an older job cannot claim a part of this one.
   */
  claims!: u64;
  /** Units of work, and how many of them are computed. */
  units!: u32;
  done!: u32;
  /** Count of threads that wait for the next job's number. */
  sleepers!: u32;
  /** Not 0 once a thread has failed. */
  failed!: u32;
  /** Not 0 once the threads have to end. */
  closed!: u32;
  /** One of the KERNEL_ numbers of ../../abi.ts. */
  kernel!: u32;
  /** The most and the fewest units of a part. */
  grain!: u32;
  minGrain!: u32;
  /** Threads that share the work. */
  threads!: u32;
  /** Scratch memory of thread 0, and the bytes to the next thread's. */
  scratch!: usize;
  scratchBytes!: usize;
}
