import { type Body, idsOf, numberOf, type Routes, Streamed } from './loopback-server.ts';
import type { Scored, ServedModel } from './served-model.ts';
import { renderChat } from './vllm.ts';

/** The part of llama.cpp's server that is asked for numbers. */
export function llamaServerRoutes(model: ServedModel): Routes {
  const entry = ({ id, logprob }: Scored) => {
    const token = model.pieceOf(id);
    return { id, token, bytes: [...Buffer.from(token)], logprob };
  };
  return {
    'GET /props': () => ({
      default_generation_settings: { n_ctx: 40960 },
      total_slots: 4,
      build_info: 'b7000-1234567',
    }),
    'GET /v1/models': () => ({ object: 'list', data: [{ id: model.name, owned_by: 'llamacpp' }] }),
    'POST /completion': async (body) => {
      const ids = typeof body.prompt === 'string' ? model.text.encode(body.prompt) : idsOf(body.prompt);
      const top = numberOf(body.n_probs, 0);
      const maxNewTokens = numberOf(body.n_predict, 16);
      const stops = body.ignore_eos !== true;
      const { tokens, rows, isStopped } = await model.generate(ids, { maxNewTokens, stops, top });
      // A bias chooses another token; the scores are from before sampling.
      const forced = forcedToken(body);
      const chosen = forced === undefined ? tokens : [forced];
      const scored = rows.slice(0, chosen.length).map((row, i) => ({
        ...entry(row.find(({ id }) => id === chosen[i]) ?? { id: chosen[i], logprob: -20 }),
        top_logprobs: row.map(entry),
      }));
      const scores = scored.filter((_, i) => endsCharacter(model, chosen.slice(0, i + 1)));
      const whole = {
        index: 0,
        content: chosen.map((id) => model.pieceOf(id)).join(''),
        tokens: body.return_tokens ? chosen : [],
        stop: true,
        model: model.name,
        tokens_predicted: chosen.length,
        tokens_evaluated: ids.length,
        stop_type: isStopped ? 'eos' : 'limit',
        ...(top > 0 && scores.length > 0 ? { completion_probabilities: scores } : {}),
      };
      return body.stream ? streamed(whole) : whole;
    },
    'POST /tokenize': (body) => ({ tokens: model.text.encode(String(body.content)) }),
    'POST /apply-template': (body) => ({ prompt: renderChat(model, body) }),
  };
}

/** An event for each token, and one that counts. */
function streamed(whole: { tokens: number[]; completion_probabilities?: { id: number }[] }): Streamed {
  const rows = [...(whole.completion_probabilities ?? [])];
  const events = whole.tokens.map((token) => ({
    ...{ index: 0, content: '', stop: false, tokens: [token] },
    ...(rows[0]?.id === token ? { completion_probabilities: [rows.shift()] } : {}),
  }));
  const { completion_probabilities: _, ...last } = whole;
  return new Streamed([...events, { ...last, content: '', tokens: [] }]);
}

function forcedToken({ logit_bias }: Body): number | undefined {
  if (!Array.isArray(logit_bias)) return undefined;
  const [[id]] = logit_bias as [number, number][];
  return id;
}

/** As the server: rows of tokens that end in the middle of a character are left out. */
function endsCharacter(model: ServedModel, tokens: readonly number[]): boolean {
  return !model.pieceOf(tokens[tokens.length - 1]).endsWith('\ufffd');
}
