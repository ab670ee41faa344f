import type { ServerContext } from '../context.ts';
import type { TemplateTraits } from './template-traits.ts';

/** What the handler uses beside the body of its request. */
export interface ChatContext extends ServerContext {
  readonly templateTraits: TemplateTraits;
}
