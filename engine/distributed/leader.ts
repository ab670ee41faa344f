import type { ProcessGroup } from '../parallel/process-group.ts';
import { singleProcessGroup } from '../parallel/single-process-group.ts';
import { sendFailure } from './failure.ts';
import { type StepPlan, sendPlan } from './step-plan.ts';

/**
 * Rank 0 of an engine: sends each step to the other ranks, and ends them. A single process sends nothing.
 */
export class Leader {
  readonly #group: ProcessGroup;
  #failed = false;
  #isComputing = false;

  constructor(group: ProcessGroup = singleProcessGroup()) {
    this.#group = group;
  }

  /** Whether a step is computed: a call from inside it would overwrite the working memory. */
  get isComputing(): boolean {
    return this.#isComputing;
  }

  /**
   * Computes a step on all ranks.
   *
   * @param compute rank 0's part: the forward pass, then the logits of all rows of the plan.
   * @throws GroupError if another rank fails; otherwise what `compute` throws. After either, the group has
   * ended.
   */
  runOnAllRanks<T>(plan: StepPlan, compute: () => T): T {
    this.#isComputing = true;
    try {
      if (this.#group.size === 1) return compute();
      sendPlan(this.#group, plan);
      return compute();
    } catch (error) {
      if (this.#group.size > 1) this.fail(error);
      throw error;
    } finally {
      this.#isComputing = false;
    }
  }

  /** @throws GroupError if another rank has failed since the last step. */
  checkRanks(): void {
    this.#group.check();
  }

  /**
   * Ends the group because of an error on rank 0, so that the other ranks do not wait for a step that never
   * comes.
   */
  fail(error: unknown): void {
    this.#failed = true;
    sendFailure(this.#group, error);
  }

  /** Ends the other ranks. @throws GroupError if one ends with an error that has not been thrown yet. */
  async close(): Promise<void> {
    try {
      if (this.#group.size > 1 && !this.#failed) sendPlan(this.#group, undefined);
    } finally {
      await this.#group.close();
    }
  }
}
