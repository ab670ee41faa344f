import { type Body, idsOf, numberOf, type Routes, Streamed } from './loopback-server.ts';
import type { Scored, ServedModel } from './served-model.ts';

/** The part of SGLang's server that is asked for numbers. It scores after temperature. */
export function sglangRoutes(model: ServedModel): Routes {
  return {
    'GET /get_model_info': () => ({
      model_path: model.name,
      tokenizer_path: model.name,
      is_generation: true,
    }),
    'GET /get_server_info': () => ({ version: '0.5.5' }),
    'GET /v1/models': () => ({ object: 'list', data: [{ id: model.name, owned_by: 'sglang' }] }),
    'POST /generate': async (body) => {
      const ids = typeof body.text === 'string' ? model.text.encode(body.text) : idsOf(body.input_ids);
      const sampling = (body.sampling_params ?? {}) as Body;
      const top = numberOf(body.top_logprobs_num, 0);
      const { tokens, rows, isStopped } = await model.generate(ids, {
        maxNewTokens: numberOf(sampling.max_new_tokens, 128),
        stops: sampling.ignore_eos !== true,
        top: Math.max(top, 1),
        temperature: numberOf(sampling.temperature, 1) || 1,
      });
      const isScored = body.return_logprob === true;
      const start = numberOf(body.logprob_start_len, -1);
      const answerOf = async (count: number) => ({
        text: tokens
          .slice(0, count)
          .map((id) => model.pieceOf(id))
          .join(''),
        output_ids: tokens.slice(0, count),
        meta_info: {
          prompt_tokens: ids.length,
          completion_tokens: count,
          finish_reason: { type: isStopped ? 'stop' : 'length' },
          ...(isScored ? { output_token_logprobs: rows.slice(0, count).map(([best]) => triple(best)) } : {}),
          ...(isScored ? { output_top_logprobs: rows.slice(0, count).map((row) => row.map(triple)) } : {}),
          ...(isScored && start === 0 ? await promptScores(model, ids, top) : {}),
        },
      });
      if (!body.stream) return answerOf(tokens.length);
      // Each event has all so far.
      return new Streamed(await Promise.all(tokens.map((_, i) => answerOf(i + 1))));
    },
    'POST /tokenize': (body) => ({ tokens: model.text.encode(String(body.prompt)) }),
  };
}

/** The first token of a prompt has no log-probability. */
async function promptScores(model: ServedModel, ids: readonly number[], top: number): Promise<object> {
  const rows = await model.promptRows(ids, top);
  return {
    input_token_logprobs: ids.map((id, i) => [i === 0 ? null : rows[i - 1].logprobs[id], id, null]),
    input_top_logprobs: ids.map((_, i) => (i === 0 ? null : rows[i - 1].likeliest.map(triple))),
  };
}

function triple({ id, logprob }: Scored): unknown[] {
  return [logprob, id, null];
}
