import { OptionError } from './errors.ts';
import type { Kernels } from './kernels/kernels.ts';
import { checkFunction, checkObject, type EngineOptions } from './options.ts';
import type { Tokenizer } from './text/tokenizer.ts';

/**
 * What `Engine.load` takes beside the model: how the engine is set up, and parts that the caller has
 * made.
 */
export interface LoadOptions extends EngineOptions {
  /** Turns tokens into text; needed for stop strings, and for the text of results. Default none. */
  tokenizer?: Pick<Tokenizer, 'createStream'>;
  /**
   * The engine owns the kernels from the call on, and releases them. Default: new SIMD kernels with
   * `threads` threads.
   */
  kernels?: Kernels;
}

/** @throws OptionError unless they are undefined, or kernels. */
export function checkKernels(kernels: unknown): void {
  if (kernels === undefined || (kernels instanceof Object && 'dispose' in kernels)) return;
  throw new OptionError('kernels', kernels, 'kernels, as createWasmKernels() returns them');
}

/** @throws OptionError unless it is undefined, or can make streams of text. */
export function checkTokenizer(tokenizer: LoadOptions['tokenizer']): void {
  if (tokenizer === undefined) return;
  checkObject('tokenizer', tokenizer);
  checkFunction('tokenizer.createStream', tokenizer.createStream);
}
