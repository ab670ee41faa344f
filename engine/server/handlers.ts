import { chatCompletions } from './chat/chat-completions.ts';
import { completions } from './completions/handler.ts';
import type { Handler } from './context.ts';
import { detokenize, tokenize } from './tokenize.ts';

/** What answers a body of JSON, by its path. */
export const HANDLERS: Readonly<Record<string, Handler>> = {
  '/v1/completions': completions,
  '/v1/chat/completions': chatCompletions,
  '/tokenize': tokenize,
  '/detokenize': detokenize,
};
