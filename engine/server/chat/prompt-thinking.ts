import type { ChatPrompt, ServedVocabulary, ServerContext } from '../context.ts';
import { THINK_BEGIN, THINK_END, type Thinking } from './reasoning-parser.ts';

/** The end of a prompt that is looked at; a tag and the white space after it are fewer tokens. */
const NUM_LAST_TOKENS = 32;

/**
 * Whether the answer to a prompt can begin with thoughts. If thinking is switched off, the template
 * ends the prompt with empty thoughts; for a model that always thinks, with `<think>`.
 *
 * @param ids the prompt's tokens.
 */
export function thinkingAfter(
  { messages, continueFinalMessage = false }: ChatPrompt,
  ids: readonly number[],
  {
    vocabulary,
    templateTraits,
  }: Pick<ServerContext, 'templateTraits'> & { vocabulary: Pick<ServedVocabulary, 'textOf'> },
): Thinking {
  if (!templateTraits.hasThinking) return 'none';
  if (continueFinalMessage) {
    const content = messages.at(-1)?.content ?? '';
    return content.lastIndexOf(THINK_BEGIN) > content.lastIndexOf(THINK_END) ? 'begun' : 'none';
  }
  const end = ids
    .slice(-NUM_LAST_TOKENS)
    .map((id) => vocabulary.textOf(id))
    .join('')
    .trimEnd();
  if (end.endsWith(THINK_END)) return 'none';
  return end.endsWith(THINK_BEGIN) ? 'begun' : 'possible';
}
