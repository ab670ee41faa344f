import { parseModelConfig } from '../../../../engine/config.ts';
import { templateTraits } from '../../../../engine/server/chat/template-traits.ts';
import type { ServerContext } from '../../../../engine/server/context.ts';
import type { ServedEvent, ThreadRequest } from '../../../../engine/server/thread-messages.ts';
import { checkRequest } from '../../../../engine/serving/check-request.ts';
import { Generation, type GenerationContext } from '../../../../engine/serving/generation.ts';
import { createSamplingScratch } from '../../../../engine/serving/sampler.ts';
import { createTextStream } from '../../../../engine/text/stream.ts';
import { DENSE_CONFIG } from '../tiny-models.ts';

/** What each id is in UTF-8: letters, parts of "é" and "😀", special tokens, and an id without a token. */
const PIECES = [
  ...['a', 'b', 'c', ' S', 'T', 'ab', '\n'],
  ...['\xc3', '\xa9', '\xf0\x9f', '\x98', '\x80', '\xff'],
  ...['<s>', '<eos>', ''],
].map((bytes) => Uint8Array.from(bytes, (char) => char.charCodeAt(0)));
const SPECIAL = PIECES.length - 3;
export const EOS = PIECES.length - 2;
export const VOCAB_SIZE = PIECES.length;
export const MAX_TOKENS = 40;

const config = parseModelConfig({ ...DENSE_CONFIG, vocab_size: VOCAB_SIZE, eos_token_id: EOS });
const NO_BYTES = new Uint8Array();
export const bytesOf = (id: number) => PIECES[id];
export const isSpecial = (id: number) => id === SPECIAL || id === EOS;

/** As the engine's tokenizer. */
export const tokenizer: NonNullable<GenerationContext['tokenizer']> = {
  createStream: ({ skipSpecialTokens } = {}) =>
    createTextStream((id) => (skipSpecialTokens && isSpecial(id) ? NO_BYTES : PIECES[id])),
};

/** Any logits that depend on all tokens before. */
function logitsAfter(tokens: readonly number[]): Float32Array {
  let state = tokens.length;
  for (const token of tokens) state = (state * 31 + token + 1) % 9973;
  return Float32Array.from({ length: VOCAB_SIZE }, (_, id) => ((state * (id + 3)) % 97) / 16);
}

/**
 * An engine without a model: requests become events as in `Engine.generate`, with all that is sampled,
 * stopped and scored, from logits that are a hash of the tokens.
 */
export async function* fakeGenerate(
  request: ThreadRequest,
  signal?: AbortSignal,
): AsyncGenerator<ServedEvent, void> {
  const { resultsOnly, ...asked } = request;
  const checked = checkRequest(asked, { config, cacheTokens: MAX_TOKENS, hasTokenizer: true });
  const { ids, params } = checked;
  const context: GenerationContext = {
    ...{ ...checked, index: 0, tokenizer, cachedTokens: Math.floor(ids.length / 4) },
    scratch: createSamplingScratch(VOCAB_SIZE),
    begun: 0,
    promptLogprobs: [],
  };
  const samples = Array.from({ length: params.n }, (_, sample) => new Generation(context, sample, sample));
  for (let i = 0; params.promptLogprobs !== undefined && i < ids.length - 1; i++) {
    samples[0].addPromptLogprobs(i, logitsAfter(ids.slice(0, i + 1)));
  }
  while (samples.some(({ finishReason }) => !finishReason)) {
    await new Promise<void>(queueMicrotask);
    for (const generation of samples) {
      if (generation.finishReason) continue;
      signal?.throwIfAborted();
      const event = generation.sampleToken(logitsAfter(generation.sequence.tokens));
      if (event && !resultsOnly) yield event;
      if (!generation.finishReason) continue;
      const result = generation.result(generation.finishReason);
      yield { type: 'result', request: 0, sample: generation.sample, result };
    }
  }
}

/** What the handlers' context counts. */
export interface FakeContext extends ServerContext {
  /** Sequences that are admitted now. */
  admitted: number;
}

/** A context whose texts are encoded letter by letter. */
export function fakeContext(generate: typeof fakeGenerate = fakeGenerate): FakeContext {
  const letters = new Map(PIECES.slice(0, 7).map((bytes, id) => [Buffer.from(bytes).toString(), id]));
  return {
    engine: {
      generate,
      limits: { vocabSize: VOCAB_SIZE, maxTokens: MAX_TOKENS, maxBatch: 4 },
      stats: {
        ...{ steps: 0, tokens: 0, running: 0, waiting: 0, preemptions: 0 },
        blocks: { total: 4, free: 4, cached: 0, evictions: 0, copies: 0 },
        prefixCache: { queries: 0, hits: 0, savedTokens: 0 },
        promptLookup: { drafted: 0, accepted: 0 },
      },
    },
    text: {
      encode: async (text) => Array.from(text, (char) => letters.get(char) ?? 0),
      encodeChat: async () => [0],
      decode: async (ids) => Buffer.concat(ids.map(bytesOf)).toString(),
      tokens: async (ids) => ids.map((id) => Buffer.from(bytesOf(id)).toString()),
    },
    vocabulary: { bytesOf, isSpecial, textOf: (id) => Buffer.from(bytesOf(id)).toString() },
    templateTraits: templateTraits(),
    servedModelName: 'fake',
    systemFingerprint: 'fp',
    maxLogprobs: 5,
    created: 0,
    admitted: 0,
    admit(numSequences) {
      this.admitted += numSequences;
      return () => {
        this.admitted -= numSequences;
      };
    },
  };
}
