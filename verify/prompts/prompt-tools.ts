import { ChatTemplate } from '../../engine/text/chat.ts';
import type { ChatMessage } from '../../engine/text/conversation.ts';
import { Tokenizer } from '../../engine/text/tokenizer.ts';
import type { VerifyCase } from '../../golden/verify-case.ts';
import type { PromptTools } from './cause.ts';

/** A model's own tokenizer and template, to show tokens as text and to find out why ids differ. */
export interface ModelText {
  /** The text of each token; as the vocabulary spells it, if its bytes are no whole characters. */
  tokens(ids: readonly number[]): string[];
  toolsFor(each: VerifyCase): PromptTools;
}

/** @throws TokenizerError, ChatTemplateError as their readers do. */
export async function loadModelText(modelDir: string): Promise<ModelText> {
  const tokenizer = await Tokenizer.load(modelDir);
  const template = await ChatTemplate.load(modelDir).catch(() => undefined);
  const specialId = (token: string) => {
    const ids = tokenizer.encode(token, { addSpecialTokens: false });
    return ids.length === 1 ? ids[0] : undefined;
  };
  return {
    tokens: (ids) =>
      tokenizer.tokens(ids).map((spelled, i) => {
        const text = tokenizer.decode([ids[i]]);
        return text.includes('\ufffd') ? spelled : text;
      }),
    toolsFor({ conversation }) {
      const encode: PromptTools['encode'] = (text, options) => tokenizer.encode(text, options);
      const decode = (ids: readonly number[]) => tokenizer.decode(ids);
      if (!conversation || !template) return { encode, decode, specialId };
      const { messages, template: own = {} } = conversation;
      return {
        encode,
        decode,
        specialId,
        render({ withTools = true, ...changes }) {
          const { tools, ...options } = { addGenerationPrompt: true, ...own, ...changes };
          return template.render(messages as ChatMessage[], {
            ...options,
            ...(withTools && tools ? { tools: tools as Record<string, unknown>[] } : {}),
          });
        },
      };
    },
  };
}
