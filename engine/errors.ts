import { constants } from 'node:os';
import { inspect } from 'node:util';

/** A message shows no more of a string: a whole prompt may stand in an option's place. */
const MAX_SHOWN_CHARACTERS = 60;
/** Characters of a value with all its parts. */
const MAX_SHOWN = 200;

/**
 * One class per promise that can be broken. Every message says what was found, what was expected, where, and
 * what to do; the command line prints the message alone and keeps the stack for `--debug`.
 */
export class PlumblineError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** `config.json` is missing, malformed, or needs something that this engine does not compute. */
export class ConfigError extends PlumblineError {}

/** A safetensors file, its index, or the set of weights in it is not what the configuration promises. */
export class CheckpointError extends PlumblineError {}

/**
 * A model could not be found locally nor fetched from the hub, or what arrived is not what was announced.
 */
export class HubError extends PlumblineError {}

/** A model is not in the cache, and the environment forbids the download. */
export class HubOfflineError extends HubError {}

/** The directory holds another model than its name promises. */
export class ModelIdentityError extends PlumblineError {}

/** `tokenizer.json` or `tokenizer_config.json` is missing or malformed, or a text cannot be tokenised. */
export class TokenizerError extends PlumblineError {}

/** A conversation does not fit the chat template, or the template itself fails. */
export class ChatTemplateError extends PlumblineError {}

/** The model cannot take the prompt: it is empty, has ids outside the vocabulary, or is too long. */
export class PromptError extends PlumblineError {}

/** The kernels are missing or were built from other sources, or memory cannot be reserved. */
export class KernelError extends PlumblineError {}

/** An option of the engine, of a request or of a forward pass has the wrong type or is out of range. */
export class OptionError extends PlumblineError {
  /** The option's name, with the index or key of the value at fault: `stop[1]`. */
  readonly option: string;
  readonly found: unknown;
  readonly expected: string;

  /** @param expected what would be right, as it follows on "expected". */
  constructor(option: string, found: unknown, expected: string) {
    super(`${option} is ${show(found)}; expected ${expected}`);
    this.option = option;
    this.found = found;
    this.expected = expected;
  }
}

/**
 * The model has computed NaN or infinity: its weights or its configuration are damaged, or its values are too
 * large for f32.
 */
export class NonFiniteError extends PlumblineError {}

/** The engine is computing, and was called by a function that it calls itself: an observer or a tokenizer. */
export class EngineBusyError extends PlumblineError {
  constructor(call: string) {
    super(
      `${call} was called while a step is computed; call it after the observer or tokenizer has returned`,
    );
  }
}

/** The engine is closed: its memory is released and its ranks have ended. */
export class EngineClosedError extends PlumblineError {
  constructor() {
    super('the engine is closed and its memory released; load it again');
  }
}

/** The system gives this process no more files, processes, threads or memory. */
export class ResourceError extends PlumblineError {}

/** A server cannot listen, or serves no more. */
export class ServerError extends PlumblineError {}

/** A package that only this use needs is not installed. */
export class MissingPackageError extends PlumblineError {}

/** An input or output file of a command cannot be read, parsed or written. */
export class FileError extends PlumblineError {}

/** The command line was used wrongly. */
export class UsageError extends PlumblineError {}

/** A signal ended the command in order: no file is left half written. */
export class Interrupted extends PlumblineError {
  /** 128 and the signal's number, as shells report it. */
  readonly exitCode: number;

  constructor(signal: 'SIGINT' | 'SIGTERM') {
    super(`interrupted by ${signal}`);
    this.exitCode = 128 + constants.signals[signal];
  }
}

/** The model's shape does not divide by the number of ranks. */
export class ShardingError extends PlumblineError {}

/** Ranks of a process group died, fell silent or disagree. Every surviving rank names the same ones. */
export class GroupError extends PlumblineError {
  /** The ranks at fault, ascending; empty if the group itself could not be made. */
  readonly ranks: readonly number[];

  constructor(message: string, ranks: readonly number[] = [], options?: ErrorOptions) {
    super(message, options);
    this.ranks = ranks;
  }
}

/**
 * A value of any type for a message: in one line, of at most about 200 characters however large or deep it
 * is, and with control characters escaped, since a file or a request may hold anything.
 */
export function show(value: unknown): string {
  if (typeof value === 'string' && value.length <= MAX_SHOWN_CHARACTERS) {
    return escapeControls(JSON.stringify(value));
  }
  const maxStringLength = MAX_SHOWN_CHARACTERS;
  const shown = inspect(value, {
    depth: 1,
    breakLength: Number.POSITIVE_INFINITY,
    compact: true,
    maxArrayLength: 8,
    maxStringLength,
    customInspect: false,
  });
  return escapeControls(shown.length > MAX_SHOWN ? `${shown.slice(0, MAX_SHOWN)}…` : shown);
}

/**
 * A text in which no character moves the cursor, changes colours or hides its neighbours: each is written as
 * `\u001b`. Newlines stay.
 */
export function escapeControls(text: string): string {
  return text.replace(
    /(?!\n)[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
