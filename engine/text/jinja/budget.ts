import { BudgetExceeded } from './failure.ts';

/**
 * What one rendering may spend. Counted, not timed, so that a template that is refused is refused on every
 * machine. The longest conversations of published templates spend less than a hundredth of either.
 */
export interface Limits {
  readonly steps: number;
  readonly memory: number;
}

export const LIMITS = {
  /** Nodes of the syntax tree that are evaluated, items that are visited, and 64ths of characters copied. */
  steps: 10_000_000,
  /** Units of about 32 bytes: items of lists, and 16ths of characters of new strings. */
  memory: 8_000_000,
} as const satisfies Limits;

/** Characters of one string, the prompt among them. */
export const MAX_TEXT = 1 << 27;

let limits: Limits = LIMITS;
let steps = 0;
let memory = 0;

/** Runs a task with a new budget. Rendering is synchronous, so one budget at a time is in use. */
export function withBudget<T>(given: Limits, task: () => T): T {
  const outer = { limits, steps, memory };
  limits = given;
  ({ steps, memory } = given);
  try {
    return task();
  } finally {
    ({ limits, steps, memory } = outer);
  }
}

/** @throws BudgetExceeded if the template has done too much. */
export function spend(count = 1): void {
  steps -= count;
  if (steps < 0) {
    throw new BudgetExceeded(`it takes more than ${limits.steps} steps; expected a loop that ends sooner`);
  }
}

/** Counts the reading of a text. @throws BudgetExceeded if the template has done too much. */
export function spendText(length: number): void {
  spend(Math.ceil(length / 64));
}

/** Counts the items of a new list. @throws BudgetExceeded if the template fills the memory. */
export function hold(count: number): void {
  spend(count);
  memory -= count;
  if (memory < 0)
    throw new BudgetExceeded(`it fills more than ${Math.ceil((limits.memory * 32) / 1e6)} MB of memory`);
}

/**
 * Counts a new string, before it is made if its length is known.
 *
 * @param length in UTF-16 units.
 * @throws BudgetExceeded if it is too long, or the template fills the memory.
 */
export function holdText(length: number): void {
  if (length > MAX_TEXT) throw new BudgetExceeded(`it makes a text of more than ${MAX_TEXT} characters`);
  hold(Math.ceil(length / 16));
}
