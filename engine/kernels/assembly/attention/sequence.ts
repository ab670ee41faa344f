import { AttentionArguments } from '../../abi';

/** A sequence of a call of attention, as ../../attention-call.ts writes it. */
@unmanaged
export class Sequence {
  /** Its first row among those of all sequences, and how many it has. */
  firstRow!: u32;
  rows!: u32;
  /** The absolute position of its first row. */
  startPosition!: u32;
  /** Where its block table begins, in words from the first record. */
  firstBlock!: u32;

  @inline
  blockTable(args: AttentionArguments): usize {
    return <usize>args.sequences + <usize>this.firstBlock * sizeof<u32>();
  }

  /** How many positions a row sees. */
  @inline
  seen(row: usize): usize {
    return <usize>this.startPosition + row + 1;
  }
}
