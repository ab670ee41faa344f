import { HttpProblem, idsOf, numberOf, type Routes } from './loopback-server.ts';
import type { ServedModel } from './served-model.ts';
import { streamedCompletion } from './vllm.ts';

/** How an OpenAI-compatible server answers. */
export interface OpenAiOptions {
  /** Whether a prompt may be token ids. Default true. */
  readonly takesIds?: boolean;
}

/**
 * OpenAI's /v1/completions without further fields: tokens are texts, and a map by text keeps one of two
 * alike.
 */
export function openaiRoutes(model: ServedModel, { takesIds = true }: OpenAiOptions = {}): Routes {
  return {
    'GET /v1/models': () => ({
      object: 'list',
      data: [{ id: model.name, object: 'model', owned_by: 'organization' }],
    }),
    'POST /v1/completions': async (body) => {
      if (!takesIds && typeof body.prompt !== 'string')
        throw new HttpProblem(400, 'prompt: expected a string');
      const ids = typeof body.prompt === 'string' ? model.text.encode(body.prompt) : idsOf(body.prompt);
      const top = numberOf(body.logprobs, 0);
      if (top > 5) throw new HttpProblem(400, 'logprobs must be at most 5');
      const maxNewTokens = numberOf(body.max_tokens, 16);
      const { tokens, rows, isStopped } = await model.generate(ids, {
        maxNewTokens,
        stops: true,
        top: Math.max(top, 1),
      });
      // The end-of-sequence token is not shown.
      const shown = isStopped ? tokens.slice(0, -1) : tokens;
      const maps = rows.slice(0, shown.length).map((row) => {
        const likeliestLast = row.slice(0, top).toReversed();
        return Object.fromEntries(likeliestLast.map(({ id, logprob }) => [model.pieceOf(id), logprob]));
      });
      const whole = {
        object: 'text_completion',
        model: model.name,
        choices: [
          {
            index: 0,
            text: shown.map((id) => model.pieceOf(id)).join(''),
            finish_reason: isStopped ? 'stop' : 'length',
            logprobs: { tokens: shown.map((id) => model.pieceOf(id)), top_logprobs: maps },
          },
        ],
        usage: { prompt_tokens: ids.length, completion_tokens: tokens.length },
      };
      return body.stream ? streamedCompletion(whole) : whole;
    },
  };
}
