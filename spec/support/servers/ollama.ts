import { type Body, HttpProblem, numberOf, type Routes, Streamed } from './loopback-server.ts';
import type { Scored, ServedModel } from './served-model.ts';

/** The part of Ollama's server that is asked for numbers, from version 0.12.11 on. */
export function ollamaRoutes(model: ServedModel): Routes {
  const entry = ({ id, logprob }: Scored) => {
    const token = model.pieceOf(id);
    return { token, logprob, bytes: [...Buffer.from(token)] };
  };
  return {
    'GET /api/version': () => ({ version: '0.12.11' }),
    'GET /api/tags': () => ({ models: [{ name: model.name, model: model.name }] }),
    'GET /v1/models': () => ({ object: 'list', data: [{ id: model.name, owned_by: 'library' }] }),
    'POST /api/generate': async (body) => {
      if (body.model !== model.name) throw new HttpProblem(404, `model '${body.model}' not found`);
      const { num_predict, temperature } = (body.options ?? {}) as Body;
      const top = numberOf(body.top_logprobs, 0);
      if (top > 20) throw new HttpProblem(400, 'top_logprobs must be between 0 and 20');
      if (body.raw !== true || temperature === undefined)
        throw new HttpProblem(400, 'this server takes raw prompts only');
      const ids = model.text.encode(String(body.prompt));
      const maxNewTokens = numberOf(num_predict, 128);
      const { tokens, rows, isStopped } = await model.generate(ids, {
        maxNewTokens,
        stops: true,
        top: Math.max(top, 1),
      });
      // The end-of-sequence token is not shown.
      const shown = isStopped ? rows.slice(0, -1) : rows;
      const whole = {
        model: model.name,
        response: tokens.map((id) => model.pieceOf(id)).join(''),
        done: true,
        done_reason: isStopped ? 'stop' : 'length',
        prompt_eval_count: ids.length,
        eval_count: tokens.length,
        ...(body.logprobs
          ? {
              logprobs: shown.map((row) => ({
                ...entry(row[0]),
                top_logprobs: row.slice(0, top).map(entry),
              })),
            }
          : {}),
      };
      if (body.stream === false) return whole;
      const { logprobs = [], ...last } = whole;
      const events = logprobs.map((one) => {
        return { model: model.name, response: one.token, done: false, logprobs: [one] };
      });
      return new Streamed([...events, { ...last, response: '' }], 'lines');
    },
  };
}
