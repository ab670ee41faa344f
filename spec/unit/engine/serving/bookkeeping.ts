import { BlockManager, type BlockManagerOptions } from '../../../../engine/serving/block-manager.ts';
import {
  type ScheduledStep,
  Scheduler,
  type SchedulerOptions,
} from '../../../../engine/serving/scheduler.ts';
import { Sequence } from '../../../../engine/serving/sequence.ts';

/** Default: six blocks of two positions. */
export const newManager = (options: Partial<BlockManagerOptions> = {}) =>
  new BlockManager({ numBlocks: 6, blockSize: 2, ...options });

let lastId = 0;
export const newSequence = (tokens: number[], request = {}) => {
  lastId += 1;
  return new Sequence(lastId, request, tokens);
};

/** Computes the next tokens of a sequence, by default all. */
export function compute(
  manager: BlockManager,
  sequence: Sequence,
  numTokens = sequence.numUncomputedTokens,
): void {
  manager.grow(sequence, numTokens);
  manager.commit(sequence, numTokens);
}

/** Adds a sequence that is admitted and computed. */
export function computed(manager: BlockManager, tokens: number[]): Sequence {
  const sequence = newSequence(tokens);
  manager.admit(sequence, tokens.length);
  compute(manager, sequence);
  return sequence;
}

/** A scheduler over a cache of blocks of 2 positions, by default without prefix caching. */
export function setUp({
  numBlocks = 50,
  prefixCaching = false,
  ...options
}: Partial<SchedulerOptions> & { numBlocks?: number; prefixCaching?: boolean }) {
  const blocks = new BlockManager({ numBlocks, blockSize: 2, prefixCaching });
  const scheduler = new Scheduler({ maxBatch: 8, maxBatchTokens: 64, prefillChunk: 32, ...options }, blocks);
  let lastId = 0;
  /** Adds a sequence; ids count from 1, and so do its tokens, from 100 · id on. */
  const add = (numTokens: number) => {
    const sequence = prompt(++lastId, numTokens);
    scheduler.add(sequence);
    return sequence;
  };
  /** Schedules a step, computes it, and appends a token wherever nothing is left to compute. */
  const step = () => {
    const scheduled = scheduler.schedule();
    for (const { sequence, numTokens } of scheduled.spans) {
      blocks.commit(sequence, numTokens);
      if (sequence.numUncomputedTokens === 0) sequence.append(0);
    }
    return show(scheduled);
  };
  return { blocks, scheduler, add, step };
}

/** A sequence that {@link setUp} has not added. */
export const prompt = (id: number, numTokens: number) =>
  new Sequence(
    id,
    {},
    Array.from({ length: numTokens }, (_, i) => 100 * id + i),
  );

/** Spans as "id:tokens", and preempted sequences as "-id". */
export const show = ({ spans, preempted }: ScheduledStep<Sequence>) =>
  [
    ...spans.map(({ sequence, numTokens }) => `${sequence.id}:${numTokens}`),
    ...preempted.map(({ id }) => `-${id}`),
  ].join(' ');
