import { GroupError } from '../errors.ts';
import type { KvCache } from '../model/kv-cache.ts';
import { HEAD_ROWS, type Qwen3 } from '../model/qwen3.ts';
import type { ProcessGroup } from '../parallel/process-group.ts';
import { singleProcessGroup } from '../parallel/single-process-group.ts';
import { decodePlan, encodePlan, type Plan } from './step-plan.ts';

/** In place of a plan's length: there will be none any more. */
export const CLOSE = -1;
/** Ranks idle until another has loaded, or rank 0 has something to compute. */
export const PATIENT = { timeoutMs: Number.POSITIVE_INFINITY };

/** The ranks of an engine as its rank 0 sees them. A process alone has nobody to tell. */
export class Ranks {
  readonly #group: ProcessGroup;
  #failed = false;

  constructor(group: ProcessGroup = singleProcessGroup()) {
    this.#group = group;
  }

  /**
   * Computes a step on all ranks.
   *
   * @param compute this rank's part: the forward pass, and then the logits of the plan's rows, as many at a time as
   * the head takes.
   * @throws GroupError if a rank fails; whatever `compute` throws. In either case the group has ended.
   */
  together<T>(plan: Plan, compute: () => T): T {
    if (this.#group.size === 1) return compute();
    try {
      const words = encodePlan(plan);
      this.#group.broadcast(Int32Array.of(words.length), 0);
      this.#group.broadcast(words, 0);
      return compute();
    } catch (error) {
      this.fail(error);
      throw error;
    }
  }

  /** Ends the group, in which the others wait for what will not come, because of an error on this rank. */
  fail(error: unknown): void {
    this.#failed = true;
    tellFailure(this.#group, error);
  }

  /** Ends the other ranks. @throws GroupError if one ends badly and nothing has said so yet. */
  async close(): Promise<void> {
    try {
      if (this.#group.size > 1 && !this.#failed) this.#group.broadcast(Int32Array.of(CLOSE), 0);
    } finally {
      await this.#group.close();
    }
  }
}

/** Ends a group, in which the others wait for what will not come, because of an error on this rank, if they do not know. */
export function tellFailure(group: ProcessGroup, error: unknown): void {
  if (error instanceof GroupError || group.size === 1) return;
  try {
    group.abort(String(error));
  } catch {
    // The error that it throws is for the others; here there is a better one.
  }
}

/** What the other ranks do: compute as rank 0 plans, until it closes. */
export function follow(group: ProcessGroup, model: Qwen3, cache: KvCache, tp: number): void {
  for (let plan = hear(group); plan; plan = hear(group)) {
    for (const { from, to } of plan.copies) cache.copyBlock(from, to);
    const hidden = model.forward(plan.spans);
    // Where the vocabulary is whole on every rank, rank 0 needs nobody for the logits.
    if (tp === 1) continue;
    for (let begin = 0; begin < plan.rows.length; begin += HEAD_ROWS) {
      model.logits(hidden, plan.rows.slice(begin, begin + HEAD_ROWS));
    }
  }
}

/** The next plan; undefined if there is none any more. */
function hear(group: ProcessGroup): Plan | undefined {
  const length = new Int32Array(1);
  group.broadcast(length, 0, PATIENT);
  if (length[0] === CLOSE) return undefined;
  const words = new Int32Array(length[0]);
  group.broadcast(words, 0);
  return decodePlan(words);
}
