import { ModelDirectory } from '../../../engine/checkpoint/model-directory.ts';
import { follow } from '../../../engine/distributed/follower.ts';
import { Leader } from '../../../engine/distributed/leader.ts';
import { RankModel } from '../../../engine/distributed/rank-model.ts';
import { type StepPlan, sendPlan } from '../../../engine/distributed/step-plan.ts';
import { createWasmKernels } from '../../../engine/kernels/wasm.ts';
import type { ProcessGroup } from '../../../engine/parallel/process-group.ts';

export interface TrafficTask {
  name: 'traffic';
  modelDir: string;
  /** Steps of the group, one after the other. */
  plans: readonly StepPlan[];
}

const BLOCK_SIZE = 16;

/**
 * Computes steps of the model sharded over all ranks, as an engine does.
 *
 * @returns bytes sent for each of them, by rank.
 */
export async function countTraffic(group: ProcessGroup, task: TrafficTask): Promise<number[][]> {
  const { modelDir, plans } = task;
  const directory = await ModelDirectory.open(modelDir);
  const kernels = await createWasmKernels({ threads: 1 });
  const [tp, ep] = [group.size, 1];
  const setup = { tp, ep, threads: 1, revectorize: false, blockSize: BLOCK_SIZE, ...room(plans) };
  try {
    const rankModel = RankModel.load(group, directory, kernels, setup);
    const leader = new Leader(group);
    return plans.map((plan) => {
      const before = group.traffic().bytesSent;
      if (group.rank > 0) {
        follow(group, rankModel, tp);
        return gather(group, group.traffic().bytesSent - before);
      }
      leader.runOnAllRanks(plan, () => rankModel.logits(rankModel.forward(plan), plan));
      const sent = group.traffic().bytesSent - before;
      // The others count after each step what they have sent for it.
      sendPlan(group, undefined);
      return gather(group, sent);
    });
  } finally {
    kernels.dispose();
    directory.close();
  }
}

/** The cache and the number of rows that the steps need. */
function room(plans: readonly StepPlan[]): { cacheTokens: number; maxBatchTokens: number } {
  const spans = plans.flatMap((plan) => plan.spans);
  const blocks = spans.flatMap(({ blockTable }) => Array.from(blockTable));
  const rows = plans.map((plan) => plan.spans.reduce((sum, { ids }) => sum + ids.length, 0));
  return { cacheTokens: (Math.max(...blocks) + 1) * BLOCK_SIZE, maxBatchTokens: Math.max(...rows) };
}

/** All-gathers whole numbers up to 2⁶², each as two int32. */
function gather(group: ProcessGroup, value: number): number[] {
  const all = new Int32Array(2 * group.size);
  group.allGather(Int32Array.of(value % 2 ** 31, Math.floor(value / 2 ** 31)), all);
  return Array.from({ length: group.size }, (_, rank) => all[2 * rank] + 2 ** 31 * all[2 * rank + 1]);
}

/**
 * A step that appends `ids` to each sequence of `past` positions, and computes the logits of each last row.
 */
export function planOf(sequences: readonly { past: number; ids: readonly number[] }[]): StepPlan {
  let block = 0;
  let row = -1;
  const spans = sequences.map(({ past, ids }) => {
    const numBlocks = Math.ceil((past + ids.length) / BLOCK_SIZE);
    block += numBlocks;
    return {
      ids,
      startPosition: past,
      blockTable: Array.from({ length: numBlocks }, (_, i) => block - numBlocks + i),
    };
  });
  const logitsRows = sequences.map(({ ids }) => {
    row += ids.length;
    return row;
  });
  return { copies: [], spans, logitsRows };
}
