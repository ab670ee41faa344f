import type { Handler } from './context.ts';
import { detokenize, tokenize } from './tokenize.ts';

/** What answers a body of JSON, by its path. */
export const HANDLERS: Readonly<Record<string, Handler>> = {
  '/tokenize': tokenize,
  '/detokenize': detokenize,
};
