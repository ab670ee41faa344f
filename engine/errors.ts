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

/** `config.json` is missing, malformed, or asks for something this engine does not compute. */
export class ConfigError extends PlumblineError {}

/** A safetensors file, its index, or the set of weights in it is not what the configuration promises. */
export class CheckpointError extends PlumblineError {}

/** A model could not be found locally nor fetched from the hub, or what arrived is not what was announced. */
export class HubError extends PlumblineError {}

/** A model is not the one that it is said to be. */
export class ModelIdentityError extends PlumblineError {}

/** `tokenizer.json` or `tokenizer_config.json` is missing or malformed, or a text cannot be tokenised. */
export class TokenizerError extends PlumblineError {}

/** A conversation does not fit the chat template, or the template itself fails. */
export class ChatTemplateError extends PlumblineError {}

/** A prompt the model cannot be given: empty, ids outside the vocabulary, longer than the positions. */
export class PromptError extends PlumblineError {}

/** The kernels are missing, were built from other sources, or cannot reserve the memory they were asked for. */
export class KernelError extends PlumblineError {}

/** An input or output file of a command cannot be read, parsed or written. */
export class FileError extends PlumblineError {}

/** The command line was used wrongly. */
export class UsageError extends PlumblineError {}

/** A model cannot be spread over so many ranks. */
export class ShardingError extends PlumblineError {}

/** Ranks of a process group died, fell silent, or disagree; the same ones are named on every other rank. */
export class GroupError extends PlumblineError {
  /** The ranks at fault, ascending; empty if the group itself could not be made. */
  readonly ranks: readonly number[];

  constructor(message: string, ranks: readonly number[] = [], options?: ErrorOptions) {
    super(message, options);
    this.ranks = ranks;
  }
}
