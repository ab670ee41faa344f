import { type Body, HttpProblem, numberOf, type Routes, Streamed } from './loopback-server.ts';
import type { Scored, ServedModel } from './served-model.ts';

/** How text-generation-inference may be started. */
export interface TgiOptions {
  /** `--max-top-n-tokens`. Default 5. */
  readonly maxTopNTokens?: number;
  /** `--enable-prefill-logprobs`. Default true. */
  readonly prefillLogprobs?: boolean;
}

/** The part of HuggingFace's text-generation-inference that is asked for numbers. */
export function tgiRoutes(
  model: ServedModel,
  { maxTopNTokens = 5, prefillLogprobs = true }: TgiOptions = {},
): Routes {
  const token = ({ id, logprob }: Scored) => ({ id, text: model.pieceOf(id), logprob, special: false });
  const generate = async ({ inputs, parameters }: Body) => {
    if (typeof inputs !== 'string') throw new HttpProblem(422, 'inputs: expected a string');
    const { top_n_tokens, max_new_tokens, decoder_input_details } = (parameters ?? {}) as Body;
    const top = numberOf(top_n_tokens, 0);
    if (top > maxTopNTokens)
      throw new HttpProblem(422, `top_n_tokens must be <= ${maxTopNTokens}. Given: ${top}`);
    const ids = model.text.encode(inputs);
    const maxNewTokens = numberOf(max_new_tokens, 20);
    const { tokens, rows, isStopped } = await model.generate(ids, {
      maxNewTokens,
      stops: true,
      top: Math.max(top, 1),
    });
    return {
      generated_text: tokens.map((id) => model.pieceOf(id)).join(''),
      details: {
        finish_reason: isStopped ? 'eos_token' : 'length',
        generated_tokens: tokens.length,
        prefill:
          decoder_input_details && prefillLogprobs
            ? ids.map((id) => ({ ...token({ id, logprob: 0 }), logprob: null }))
            : [],
        tokens: rows.map(([best]) => token(best)),
        ...(top > 0 ? { top_tokens: rows.map((row) => row.map(token)) } : {}),
      },
    };
  };
  return {
    'GET /info': () => ({ model_id: model.name, version: '3.3.6', max_concurrent_requests: 128 }),
    'POST /generate': generate,
    'POST /generate_stream': async (body) => {
      if ((body.parameters as Body).decoder_input_details)
        throw new HttpProblem(422, '`decoder_input_details` == true is not supported when streaming tokens');
      const { generated_text, details } = await generate(body);
      const { tokens, top_tokens, finish_reason } = details;
      const events = tokens.map((each, index) => ({
        ...{ index, token: each },
        ...(top_tokens ? { top_tokens: top_tokens[index] } : {}),
        ...(index === tokens.length - 1 ? { generated_text, details: { finish_reason } } : { details: null }),
      }));
      return new Streamed(events);
    },
    'POST /tokenize': ({ inputs }) =>
      model.text.encode(String(inputs)).map((id) => ({ id, text: model.pieceOf(id) })),
  };
}
