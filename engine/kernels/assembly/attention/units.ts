import { AttentionArguments } from '../../abi';
import { Strips } from '../matmul/strips';
import { QUERIES, UNIT_QUERIES } from '../sizes';
import { Sequence } from './sequence';

/** As `unitsOf` of ../../attention-call.ts. */
export function unitsOf(args: AttentionArguments, sequence: Sequence): usize {
  const queries = queriesOf(args, sequence);
  const heads = headsOfUnit(args, queries);
  return ((<usize>args.numKeyValueHeads + heads - 1) / heads) * partsOf(queries);
}

/** The queries of a sequence that share a key head. */
export function queriesOf(args: AttentionArguments, sequence: Sequence): usize {
  return (<usize>sequence.rows * <usize>args.numAttentionHeads) / <usize>args.numKeyValueHeads;
}

/** Units that a key head's queries are cut into. */
export function partsOf(queries: usize): usize {
  return (queries + QUERIES - 1) / QUERIES;
}

/** Key heads of a unit. @param queries of a key head */
export function headsOfUnit(args: AttentionArguments, queries: usize): usize {
  return queries * <usize>args.headsPerUnit <= UNIT_QUERIES ? <usize>args.headsPerUnit : 1;
}

/** Queries of a key head that a tile takes at once. */
@unmanaged
export class QueryStrip {
  keyHead!: usize;
  /** Its first query among those of the unit, and among those of the key head, and how many it has. */
  first!: usize;
  query!: usize;
  width!: usize;
  /** How many positions its first and its last query see. */
  least!: usize;
  most!: usize;
}

/**
 * Describes the strips of a key head.
 *
 * @param query,count its queries in the unit @param first of them among those of the unit
 * @returns the end of the table
 */
export function cutIntoStrips(
  args: AttentionArguments,
  sequence: Sequence,
  keyHead: usize,
  query: usize,
  count: usize,
  first: usize,
  table: usize,
): usize {
  const strips = Strips.count(count);
  for (let i: usize = 0; i < strips; i++) {
    const strip = changetype<QueryStrip>(table);
    strip.keyHead = keyHead;
    strip.first = first;
    strip.query = query;
    strip.width = Strips.width(count, strips, i);
    strip.least = seen(args, sequence, query);
    first += strip.width;
    query += strip.width;
    strip.most = seen(args, sequence, query - 1);
    table += offsetof<QueryStrip>();
  }
  return table;
}

/** How many positions a query of a key head sees. */
export function seen(args: AttentionArguments, sequence: Sequence, query: usize): usize {
  const row = (query * <usize>args.numKeyValueHeads) / <usize>args.numAttentionHeads;
  return sequence.seen(row);
}

/** The index of a query of a key head in [rows of all sequences, heads]. */
export function queryIndex(
  args: AttentionArguments,
  sequence: Sequence,
  keyHead: usize,
  query: usize,
): usize {
  const heads = <usize>args.numAttentionHeads;
  const group = heads / <usize>args.numKeyValueHeads;
  return (<usize>sequence.firstRow + query / group) * heads + keyHead * group + (query % group);
}
