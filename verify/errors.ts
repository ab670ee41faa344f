import { PlumblineError } from '../engine/errors.ts';

/**
 * What may come instead of an answer: one class for each outcome that is counted apart. Every message names
 * what was asked (case, call), what came, and what was expected.
 */

/** The engine cannot be asked that: the outcome is "skipped", with this message as its reason. */
export class NotSupportedError extends PlumblineError {}

/** The engine answered with an error, or with nonsense: the outcome is "error". */
export class SubjectError extends PlumblineError {}

/** The engine crashed, ran into a time limit, or closed the connection: the outcome is "no answer". */
export class NoAnswerError extends PlumblineError {}
