import { type Body, HttpProblem, idsOf, numberOf, type Routes, Streamed } from './loopback-server.ts';
import type { ServedModel } from './served-model.ts';

/** How a vLLM server may be started. */
export interface VllmOptions {
  /** `--max-logprobs`. Default 20. */
  readonly maxLogprobs?: number;
  /** `--logprobs-mode`. Default `raw_logprobs`. */
  readonly logprobsMode?: 'raw_logprobs' | 'processed_logprobs';
  /** False: a version before `return_token_ids`. Default true. */
  readonly returnsTokenIds?: boolean;
}

/** The part of vLLM's OpenAI-compatible server that is asked for numbers. */
export function vllmRoutes(
  model: ServedModel,
  { maxLogprobs = 20, logprobsMode = 'raw_logprobs', returnsTokenIds = true }: VllmOptions = {},
): Routes {
  const complete = async (body: Body) => {
    if (body.model !== model.name) throw new HttpProblem(404, `The model ${body.model} does not exist.`);
    const ids = typeof body.prompt === 'string' ? model.text.encode(body.prompt) : idsOf(body.prompt);
    const top = numberOf(body.logprobs, 0);
    const promptTop = body.prompt_logprobs === undefined ? undefined : numberOf(body.prompt_logprobs, 0);
    if (Math.max(top, promptTop ?? 0) > maxLogprobs) {
      throw new HttpProblem(
        400,
        `Requested logprobs of ${top}, which is greater than max allowed: ${maxLogprobs}`,
      );
    }
    const temperature = logprobsMode === 'raw_logprobs' ? 1 : numberOf(body.temperature, 1) || 1;
    const maxNewTokens = numberOf(body.max_tokens, 16);
    const stops = body.ignore_eos !== true;
    const { tokens, rows, isStopped } = await model.generate(ids, {
      maxNewTokens,
      stops,
      top: Math.max(top, 1),
      temperature,
    });
    if (body.stream && promptTop !== undefined)
      throw new HttpProblem(400, '`prompt_logprobs` are not available when `stream=True`.');
    const named = (id: number) => (body.return_tokens_as_token_ids ? `token_id:${id}` : model.pieceOf(id));
    const whole = {
      object: 'text_completion',
      model: model.name,
      choices: [
        {
          index: 0,
          text: tokens.map((id) => model.pieceOf(id)).join(''),
          logprobs: {
            tokens: tokens.map(named),
            token_logprobs: tokens.map((id, i) => rows[i].find((each) => each.id === id)?.logprob),
            top_logprobs: rows.map((row) =>
              Object.fromEntries(row.map(({ id, logprob }) => [named(id), logprob])),
            ),
          },
          finish_reason: isStopped ? 'stop' : 'length',
          ...(promptTop === undefined
            ? {}
            : { prompt_logprobs: await promptLogprobs(model, ids, promptTop) }),
          ...(returnsTokenIds && body.return_token_ids ? { token_ids: tokens, prompt_token_ids: ids } : {}),
        },
      ],
      usage: { prompt_tokens: ids.length, completion_tokens: tokens.length },
    };
    return body.stream ? streamedCompletion(whole) : whole;
  };
  return {
    'GET /version': () => ({ version: '0.11.2' }),
    'GET /v1/models': () => ({
      object: 'list',
      data: [{ id: model.name, object: 'model', owned_by: 'vllm' }],
    }),
    'POST /v1/completions': complete,
    'POST /tokenize': (body) => {
      const tokens = model.text.encode(
        typeof body.prompt === 'string' ? body.prompt : renderChat(model, body),
      );
      return { count: tokens.length, max_model_len: 40960, tokens };
    },
  };
}

/** A whole completion of OpenAI's form. */
interface WholeCompletion {
  readonly choices: readonly {
    readonly index: number;
    readonly text: string;
    readonly logprobs: { readonly tokens: readonly string[]; readonly [list: string]: readonly unknown[] };
    readonly finish_reason: string;
    readonly token_ids?: readonly number[];
    readonly prompt_token_ids?: readonly number[];
  }[];
  readonly usage: object;
}

/** The same as an event for each token, and one with the usage. */
export function streamedCompletion({ choices: [choice], usage, ...rest }: WholeCompletion): Streamed {
  const { logprobs, token_ids, prompt_token_ids, finish_reason, index } = choice;
  const { length } = logprobs.tokens;
  const events = logprobs.tokens.map((text, i) => ({
    ...rest,
    choices: [
      {
        ...{ index, text },
        logprobs: Object.fromEntries(Object.entries(logprobs).map(([key, list]) => [key, [list[i]]])),
        finish_reason: i === length - 1 ? finish_reason : null,
        ...(token_ids ? { token_ids: [token_ids[i]] } : {}),
        ...(prompt_token_ids && i === 0 ? { prompt_token_ids } : {}),
      },
    ],
  }));
  return new Streamed([...events, { ...rest, choices: [], usage }]);
}

/** A conversation in the fields that vLLM and llama-server share. */
export function renderChat(model: ServedModel, body: Body): string {
  const { messages, tools, add_generation_prompt = true, chat_template_kwargs } = body;
  if (!Array.isArray(messages)) throw new HttpProblem(400, 'expected messages');
  const thinking = (chat_template_kwargs as { enable_thinking?: boolean } | undefined)?.enable_thinking;
  return model.text.render(messages, {
    addGenerationPrompt: add_generation_prompt === true,
    ...(Array.isArray(tools) ? { tools } : {}),
    ...(thinking === undefined ? {} : { enableThinking: thinking }),
  });
}

/** The likeliest tokens, and the prompt's own token with its rank. */
async function promptLogprobs(model: ServedModel, ids: readonly number[], top: number): Promise<unknown[]> {
  const rows = await model.promptRows(ids, top);
  // An engine that gives a row too many is served as it is.
  const shown = [...ids, ...rows.slice(ids.length).map(({ likeliest: [{ id }] }) => id)];
  return shown.map((next, i) => {
    if (i === 0) return null;
    const { likeliest, logprobs } = rows[i - 1];
    const own = { id: next, logprob: logprobs[next] };
    const row = likeliest.some(({ id }) => id === next) ? likeliest : [...likeliest, own];
    const rankOf = (logprob: number) => 1 + logprobs.filter((each) => each > logprob).length;
    return Object.fromEntries(
      row.map(({ id, logprob }, k) => [
        String(id),
        { logprob, rank: k < top ? k + 1 : rankOf(logprob), decoded_token: model.pieceOf(id) },
      ]),
    );
  });
}
