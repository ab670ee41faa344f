import { z } from 'zod';
import { ApiError, toApiError } from './api-error.ts';
import { chatPromptOf, promptFields } from './chat/prompt.ts';
import type { ServerContext } from './context.ts';
import { arrayOf, parseBody, toolsJsonOf } from './request-body.ts';
import { checkServedModel } from './served-model.ts';

const optional = { model: z.string('expected the name of a model').nullish() };
const flag = z.boolean('expected true or false').nullish();

/** The fields of vLLM's `/tokenize`; further ones are ignored. */
const tokenizeBody = z.looseObject({
  ...optional,
  prompt: z.string('expected a string').nullish(),
  ...promptFields,
  add_special_tokens: flag,
  return_token_strs: flag,
});

const notAnId = { path: [], message: 'expected a token id' };

const detokenizeBody = z.looseObject({
  ...optional,
  tokens: arrayOf<number>((id) => (isId(id) ? undefined : notAnId), 'expected an array of token ids'),
});

/** An id beyond 2^32 is no id of any model. */
function isId(id: unknown): boolean {
  return Number.isInteger(id) && (id as number) >= 0 && (id as number) < 2 ** 32;
}

/** The answer to `POST /tokenize`, in vLLM's form. @throws ApiError 400 that names the field. */
export async function tokenize(body: unknown, context: ServerContext) {
  const { model, prompt, return_token_strs, ...chat } = parseBody(tokenizeBody, body);
  checkServedModel(model, context);
  if ((prompt == null) === (chat.messages == null)) {
    const found = prompt == null ? 'neither' : 'both';
    throw new ApiError(400, `cannot tokenize: found ${found}; expected either prompt or messages`, {
      param: 'prompt',
    });
  }
  const tokens =
    prompt == null
      ? await withParam(
          'messages',
          context.text.encodeChat(chatPromptOf(chat, context.templateTraits, toolsJsonOf(body))),
        )
      : await withParam(
          'prompt',
          context.text.encode(prompt, { addSpecialTokens: chat.add_special_tokens ?? true }),
        );
  return {
    count: tokens.length,
    max_model_len: context.engine.limits.maxTokens,
    tokens,
    token_strs: return_token_strs ? await context.text.tokens(tokens) : null,
  };
}

/** The answer to `POST /detokenize`, in vLLM's form. @throws ApiError 400 that names the field. */
export async function detokenize(body: unknown, context: ServerContext) {
  const { model, tokens } = parseBody(detokenizeBody, body);
  checkServedModel(model, context);
  return { prompt: await withParam('tokens', context.text.decode(tokens)) };
}

/** Names the field of what the text's thread refuses. */
async function withParam<T>(param: string, value: Promise<T>): Promise<T> {
  try {
    return await value;
  } catch (cause) {
    const { status, message, param: named } = toApiError(cause);
    throw status === 400 ? new ApiError(400, message, { param: named ?? param, cause }) : cause;
  }
}
