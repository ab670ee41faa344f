import type { ModelDirectory } from '../checkpoint/model-directory.ts';
import { createWasmKernels } from '../kernels/wasm.ts';
import type { ProcessGroup } from '../parallel/process-group.ts';
import { sendFailure } from './failure.ts';
import { RankModel } from './rank-model.ts';
import { receiveSetup } from './rank-setup.ts';
import { receivePlan } from './step-plan.ts';

/**
 * The whole life of a rank but 0: loads its part of the model, computes the steps that rank 0 sends, and
 * returns when rank 0 closes the engine.
 *
 * @param directory is closed once the weights are loaded, or if they cannot be.
 * @param threads of this rank. Default: as many as rank 0 has, which is wrong on another machine.
 */
export async function runFollower(
  group: ProcessGroup,
  directory: ModelDirectory,
  threads?: number,
): Promise<void> {
  try {
    await loadAndFollow(group, directory, threads);
  } catch (error) {
    sendFailure(group, error);
    throw error;
  } finally {
    directory.close();
  }
}

async function loadAndFollow(
  group: ProcessGroup,
  directory: ModelDirectory,
  threads?: number,
): Promise<void> {
  const setup = receiveSetup(group);
  const { revectorize, tp } = setup;
  const kernels = await createWasmKernels({
    threads: threads ?? setup.threads,
    revectorize,
    // Rank 0 warns for all.
    onWarning: () => {},
  });
  try {
    const rankModel = RankModel.load(group, directory, kernels, setup);
    directory.close();
    follow(group, rankModel, tp);
  } finally {
    kernels.dispose();
  }
}

/**
 * Computes the steps that rank 0 sends, until it closes the engine.
 *
 * @param tp ranks that share the vocabulary.
 */
export function follow(
  group: ProcessGroup,
  rankModel: Pick<RankModel, 'forward' | 'logits'>,
  tp: number,
): void {
  for (let plan = receivePlan(group); plan; plan = receivePlan(group)) {
    const hidden = rankModel.forward(plan);
    // Without tensor parallelism rank 0 has the whole vocabulary and computes the logits alone.
    if (tp > 1) rankModel.logits(hidden, plan);
  }
}
