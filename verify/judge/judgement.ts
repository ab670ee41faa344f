import type { PrecisionClass } from '../precision.ts';
import type { TokenScores } from '../subject.ts';

/**
 * What the judge takes and what it gives, as plain data.
 *
 *     judge(subject: readonly SubjectCase[], reference: Reference, options): Judgement
 *
 * A case is one sequence of ids: a prompt and the reference's greedy tokens after it. A row is the
 * next-token scores at one of its positions. Scores are natural log-probabilities or logits: a constant per
 * row makes no difference.
 */

/** Next-token scores that a subject shows at one position. */
export interface SubjectRow {
  /** Index into the sequence of the case: the row follows `ids[position]`. */
  readonly position: number;
  /** i32 [n], distinct. Absent: `values` covers the whole vocabulary in order of ids. */
  readonly ids?: Int32Array;
  /** f32 [n], as {@link import('../subject.ts').TokenScores} has them. */
  readonly values: Float32Array;
}

/** What a subject answered to one case. */
export interface SubjectCase {
  readonly id: string;
  /** The subject's row at each position asked for, teacher-forced on {@link ReferenceCase.ids}. */
  readonly rows: readonly SubjectRow[];
  /** The subject's own greedy tokens after the prompt, if it was asked for them. */
  readonly greedy?: readonly number[];
  /** For each of them the row that it was chosen from, if the subject has them. */
  readonly greedyRows?: readonly TokenScores[];
}

/**
 * What is right at one position. Of a large vocabulary only the likeliest ids are kept; a subject's score
 * of another id is compared with the least of them, which bounds the truth from above.
 */
export interface ReferenceRow {
  readonly position: number;
  /** i32 [m], from the likeliest on. */
  readonly ids: Int32Array;
  /** f32 [m], natural log-probabilities over the whole vocabulary, computed without the noise of a class. */
  readonly truth: Float32Array;
}

/** One case as the reference computes it. */
export interface ReferenceCase {
  readonly id: string;
  /** The prompt, then the reference's greedy tokens. */
  readonly ids: readonly number[];
  readonly promptLength: number;
  /** Positions that a subject is asked for, ascending. The first greedy token's row is promptLength − 1. */
  readonly rows: readonly ReferenceRow[];
}

/**
 * An honest engine of a class, imitated: the same rows computed with the class's roundings. Its distance to
 * the truth is one draw of the class's noise.
 */
export interface Imitation {
  readonly precision: PrecisionClass;
  /** The roundings, e.g. `q8_0, bf16`. */
  readonly name: string;
  /** Whether it is only one more draw of the class's noise, not what a particular engine computes. */
  readonly isDraw: boolean;
  /**
   * By case, then by row in the order of {@link ReferenceCase.rows}: f32 [m], log-probabilities of
   * {@link ReferenceRow.ids}, up to a constant per row.
   */
  readonly cases: ReadonlyMap<string, readonly Float32Array[]>;
}

/** Change of log-probabilities by a bug: Δ = log p(with the bug) − log p(truth), both without noise. */
export interface Signature {
  /** A name of `verify/signatures/bugs.ts`. */
  readonly name: string;
  /**
   * By case, then by row in the order of {@link ReferenceCase.rows}: f32 [k], for the first k of
   * {@link ReferenceRow.ids}, up to a constant per row.
   */
  readonly cases: ReadonlyMap<string, readonly Float32Array[]>;
}

/** Everything that is right about a model on some cases. */
export interface Reference {
  /**
   * Whether the model chooses experts. An honest engine may choose another where two are nearly as probable:
   * single rows are then far off. Default false.
   */
  readonly hasRouter?: boolean;
  readonly cases: readonly ReferenceCase[];
  /** At least one for each class that is to be recognised. */
  readonly imitations: readonly Imitation[];
  /** Empty where none are known: then no bug is named or ruled out. */
  readonly signatures: readonly Signature[];
}

export interface JudgeOptions {
  /**
   * Whether the subject's answers depend on what else it is asked. They can then resemble a bug in part, and
   * only one that is the whole error is named. Default false.
   */
  readonly isUnstable?: boolean;
  /** The class that the subject has to be in. Default: the best that holds. */
  readonly precision?: PrecisionClass;
}

/** How near to the truth the subject is. */
export interface PrecisionVerdict {
  /** The class whose noise explains the subject's error; `none` if no class does. */
  readonly class: PrecisionClass | 'none';
  /**
   * Median over rows of the subject's RMS error over the noise of a class: the one demanded, else found,
   * else nearest.
   */
  readonly ratio: number;
  /** The class that `ratio` and `exceptions` are about. */
  readonly about: PrecisionClass;
  readonly demanded?: PrecisionClass;
  /** Ratios to every class, for a report's scale. */
  readonly classes: readonly ClassRatio[];
  /** Rows that break the class, in words: "ids-longer: from position 64 on, 18 times the noise of bf16". */
  readonly exceptions: readonly PrecisionException[];
}

/** The subject's error in units of one class's noise. */
export interface ClassRatio {
  readonly class: PrecisionClass;
  /** Median over rows. */
  readonly ratio: number;
  /** Median over rows of the class's noise, RMS in nats. */
  readonly noise: number;
  /** Whether the class explains the subject's error in all rows but a few. */
  readonly holds: boolean;
  /** Whether the class differs enough from a broken engine on this model: its noise is at most half a nat. */
  readonly judgeable: boolean;
}

/** Rows of one case whose errors are more than the class's noise explains. */
export interface PrecisionException {
  readonly case: string;
  readonly firstPosition: number;
  readonly lastPosition: number;
  /** Median of the rows' ratios. */
  readonly ratio: number;
}

export interface BugVerdict {
  readonly name: string;
  readonly verdict: 'found' | 'ruled out' | 'cannot tell';
  /** Projection of the subject's error on the bug's signature: 1 is "this bug", 0 "not this bug". */
  readonly coefficient: number;
  /** The coefficient's, by runs of 16 rows. Infinity if the bug changes nothing that can be seen. */
  readonly standardError: number;
}

export interface GreedyVerdict {
  readonly verdict: 'right' | 'wrong' | 'not checked';
  /** Tokens compared, and those that differ from the reference's without being an error (near-ties). */
  readonly tokens: number;
  readonly ties: number;
  /** The rows that they were chosen from, compared like those of prompts; absent if the subject has none. */
  readonly rows?: {
    readonly compared: number;
    /** Median over rows of the error in units of the class's noise. */
    readonly ratio: number;
  };
  /** Largest regret: log p(best) − log p(chosen) by the truth, over what the class's noise allows. */
  readonly worst?: {
    readonly case: string;
    readonly position: number;
    readonly regret: number;
    readonly allowed: number;
  };
}

export interface PowerVerdict {
  readonly refused: number;
  readonly of: number;
  /** The faults that were let pass. */
  readonly missed: readonly string[];
}

/** One case in short. */
export interface CaseVerdict {
  readonly id: string;
  readonly verdict: 'right' | 'wrong' | 'unknown';
  /** Where the subject first parts from what is right. */
  readonly first?: {
    /** `log-probability`, `greedy token`, `values`. */
    readonly what: string;
    readonly position: number;
    readonly got: number | string;
    readonly expected: number | string;
  };
  /** For maps of error: each row's position and the subject's RMS error in units of the class's noise. */
  readonly ratios: readonly { readonly position: number; readonly ratio: number }[];
}

/** The part of the verdict's JSON that is concluded from numbers alone. */
export interface Judgement {
  readonly verdict: 'right' | 'wrong' | 'unknown';
  /** Why, the most important first; empty if right. */
  readonly reasons: readonly string[];
  /** Absent if the subject gave no scores. */
  readonly precision?: PrecisionVerdict;
  readonly bugs: readonly BugVerdict[];
  readonly greedy: GreedyVerdict;
  readonly power: PowerVerdict;
  readonly compared: { readonly rows: number; readonly values: number };
  readonly cases: readonly CaseVerdict[];
}
