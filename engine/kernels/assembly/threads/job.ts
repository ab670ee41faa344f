/**
 * A kernel call in shared memory. Its work is cut into parts, which threads claim one after the other until
 * none is left. The result of a part does not depend on the thread. The kernel's arguments follow at
 * JOB_BYTES of ../../abi.ts.
 */
@unmanaged
export class Job {
  /**
   * The number of the job in the upper 32 bits, the count of unclaimed parts in the lower. Both change
   * together, so a late thread that has read the arguments of an older job cannot claim a part of this one.
   */
  claims!: u64;
  parts!: u32;
  /** Count of computed parts. */
  done!: u32;
  /** Count of threads that wait for the next job's number. */
  sleepers!: u32;
  /** Not 0 once a thread has failed. */
  failed!: u32;
  /** Not 0 once the threads have to end. */
  closed!: u32;
  /** One of the KERNEL_ numbers of ../../abi.ts. */
  kernel!: u32;
  /** Units of work, and the number of units of a part. */
  units!: u32;
  grain!: u32;
  /** Scratch memory of thread 0, and the bytes to the next thread's. */
  scratch!: usize;
  scratchBytes!: usize;
}
