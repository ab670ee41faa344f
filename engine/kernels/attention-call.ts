import { type AttentionArguments, QUERIES, SEQUENCE_WORDS } from './abi.ts';
import { type AttentionArgs, type AttentionSequence, scoresLength } from './kernels.ts';
import type { KernelCall } from './pool.ts';
import { KERNELS } from './table.ts';

/** The largest headDim for attention in tiles: a thread's scratch memory holds queries and sums. */
const MAX_TILED = 256;

/** Returns the address of an array, which its errors call by the name. */
export type AddressOf = (name: string, view: ArrayBufferView) => number;

/** Attention as a call of a compiled kernel: in tiles if headDim and blockSize are multiples of 16. */
export function attentionCall(
  args: AttentionArgs,
  { threads, isWide }: { threads: number; isWide: boolean },
  at: AddressOf,
): KernelCall<AttentionArguments> {
  const { sequences, blockSize, numAttentionHeads, numKeyValueHeads, headDim } = args;
  const isTiled = headDim % 16 === 0 && blockSize % 16 === 0 && headDim <= MAX_TILED;
  const headsPerKey = numAttentionHeads / numKeyValueHeads;
  let units = 0;
  let positions = 0;
  let most = 0;
  for (const { rows, startPosition } of sequences) {
    units += isTiled
      ? numKeyValueHeads * Math.ceil((rows * headsPerKey) / QUERIES)
      : rows * numAttentionHeads;
    positions += rows * (startPosition + (rows + 1) / 2);
    most = Math.max(most, startPosition + rows);
  }
  writeTables(sequences, args.tables);
  return {
    kernel: isTiled ? KERNELS.attentionTiled : KERNELS.attention,
    units,
    grain: 1,
    args: {
      q: at('attention: q', args.q),
      out: at('attention: out', args.out),
      keys: at('attention: keys', args.keys),
      values: at('attention: values', args.values),
      sequences: at('attention: tables', args.tables),
      blockSize,
      numAttentionHeads,
      numKeyValueHeads,
      headDim,
      scale: args.scale,
      scores: at('attention: scores', args.scores),
      scoresBytes: (scoresLength(threads, most) / threads) * Float32Array.BYTES_PER_ELEMENT,
      isWide: Number(isWide),
    },
    work: 2 * positions * numAttentionHeads * headDim,
  };
}

/**
 * Writes the sequences' records, and behind them their block tables. The fields of a record are those of
 * `assembly/attention/sequence.ts`.
 */
function writeTables(sequences: readonly AttentionSequence[], tables: Int32Array): void {
  let firstRow = 0;
  let firstBlock = sequences.length * SEQUENCE_WORDS;
  for (let i = 0; i < sequences.length; i++) {
    const { rows, startPosition, blockTable } = sequences[i];
    const record = i * SEQUENCE_WORDS;
    tables[record] = firstRow;
    tables[record + 1] = rows;
    tables[record + 2] = startPosition;
    tables[record + 3] = firstBlock;
    for (let j = 0; j < blockTable.length; j++) tables[firstBlock + j] = blockTable[j];
    firstRow += rows;
    firstBlock += blockTable.length;
  }
}
