import { OptionError, PlumblineError } from '../errors.ts';
import { namedShortage } from '../terminal/shortage.ts';

/** An error as data: structured clone keeps no class. */
export interface ErrorData {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  /** An OptionError's option. */
  readonly option?: string;
}

/** An error that another thread has sent. Its class is known by name only. */
export class ThreadError extends PlumblineError {
  /** The class of the error in its thread, such as `PromptError`. */
  readonly kind: string;
  /** The option at fault, of an OptionError. */
  readonly option: string | undefined;

  constructor({ name, message, option, stack }: ErrorData) {
    super(message);
    this.kind = name;
    this.option = option;
    if (stack !== undefined) this.stack = stack;
  }
}

/** What is sent of an error to another thread. */
export function toErrorData(thrown: unknown): ErrorData {
  const error = namedShortage(thrown);
  if (!(error instanceof Error)) return { name: 'Error', message: String(error), stack: undefined };
  const { name, message, stack } = error;
  return { name, message, stack, ...(error instanceof OptionError && { option: error.option }) };
}
