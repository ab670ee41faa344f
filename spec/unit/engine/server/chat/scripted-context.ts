import { parseModelConfig } from '../../../../../engine/config.ts';
import type { ChatPrompt, ServerContext } from '../../../../../engine/server/context.ts';
import type { ServedEvent, ThreadRequest } from '../../../../../engine/server/thread-messages.ts';
import { checkRequest } from '../../../../../engine/serving/check-request.ts';
import { Generation, type GenerationContext } from '../../../../../engine/serving/generation.ts';
import { createSamplingScratch } from '../../../../../engine/serving/sampler.ts';
import { createTextStream } from '../../../../../engine/text/stream.ts';
import { DENSE_CONFIG } from '../../tiny-models.ts';

/** What an engine without a model answers. */
export interface Script {
  /** The tokens of each choice's answer, as texts; after them the engine stops. */
  readonly choices?: readonly (readonly string[])[];
  /** The tokens of every prompt, as texts. */
  readonly prompt?: readonly string[];
  readonly traits?: Partial<ServerContext['templateTraits']>;
  /** Called before each event. */
  readonly beforeEvent?: () => void;
}

/** What the handler has asked for. */
export interface ScriptedContext extends ServerContext {
  readonly prompts: ChatPrompt[];
  readonly requests: ThreadRequest[];
  /** Sequences that are admitted now. */
  admitted: number;
}

const MAX_TOKENS = 64;
const EOS = '<|im_end|>';
const QWEN3 = { hasThinking: true, rendersTools: true, hasToolCalls: true, takesArgumentsAsJson: true };

/** A context whose engine says what the script says, through all that is sampled, stopped and scored. */
export function scriptedContext(script: Script = {}): ScriptedContext {
  const { choices = [['Hi', '!']], prompt = ['<|im_start|>', 'assistant', '\n'], traits } = script;
  const vocabulary = [EOS, ...new Set([...choices.flat(), ...prompt].filter((text) => text !== EOS))];
  const idsOf = (texts: readonly string[]) => texts.map((text) => vocabulary.indexOf(text));
  const bytesOf = (id: number) => Buffer.from(vocabulary[id]);
  const tokenizer = { createStream: () => createTextStream((id) => Uint8Array.from(bytesOf(id))) };
  const prompts: ChatPrompt[] = [];
  const requests: ThreadRequest[] = [];

  async function* generate(request: ThreadRequest, signal?: AbortSignal): AsyncGenerator<ServedEvent, void> {
    requests.push(request);
    const config = parseModelConfig({ ...DENSE_CONFIG, vocab_size: vocabulary.length, eos_token_id: 0 });
    const { resultsOnly, ...asked } = request;
    const checked = checkRequest(asked, { config, cacheTokens: MAX_TOKENS, hasTokenizer: true });
    const { ids, params } = checked;
    const context: GenerationContext = {
      ...{ ...checked, index: 0, tokenizer, begun: 0, cachedTokens: 1, promptLogprobs: [] },
      scratch: createSamplingScratch(vocabulary.length),
    };
    const samples = Array.from({ length: params.n }, (_, sample) => new Generation(context, sample, sample));
    if (params.promptLogprobs !== undefined) {
      for (const i of ids.slice(1).keys()) samples[0].addPromptLogprobs(i, logitsOf(ids[i + 1]));
    }
    while (samples.some(({ finishReason }) => !finishReason)) {
      await new Promise<void>(queueMicrotask);
      for (const generation of samples.filter(({ finishReason }) => !finishReason)) {
        script.beforeEvent?.();
        const { sample, sequence } = generation;
        if (signal?.aborted) {
          yield { type: 'result', request: 0, sample, result: generation.result('abort') };
          return;
        }
        const next = (choices[sample] ?? [])[sequence.numNewTokens] ?? EOS;
        const event = generation.sampleToken(logitsOf(vocabulary.indexOf(next)));
        if (event && !resultsOnly) yield event;
        if (!generation.finishReason) continue;
        yield { type: 'result', request: 0, sample, result: generation.result(generation.finishReason) };
      }
    }
  }

  /** The token is all but certain. */
  function logitsOf(token: number): Float32Array {
    return Float32Array.from(vocabulary, (_, id) => (id === token ? 100 : -id));
  }

  return {
    engine: {
      generate,
      limits: { vocabSize: vocabulary.length, maxTokens: MAX_TOKENS, maxBatch: 4 },
      stats: {
        ...{ steps: 0, tokens: 0, running: 0, waiting: 0, preemptions: 0 },
        blocks: { total: 4, free: 4, cached: 0, evictions: 0, copies: 0 },
        prefixCache: { queries: 0, hits: 0, savedTokens: 0 },
        promptLookup: { drafted: 0, accepted: 0 },
      },
    },
    text: {
      encode: async (text) => idsOf([text]),
      encodeChat: async (chat) => {
        prompts.push(chat);
        return idsOf(prompt);
      },
      decode: async (ids) => ids.map((id) => vocabulary[id]).join(''),
      tokens: async (ids) => ids.map((id) => vocabulary[id]),
    },
    vocabulary: { bytesOf, textOf: (id) => vocabulary[id], isSpecial: (id) => id === 0 },
    templateTraits: { ...QWEN3, ...traits },
    servedModelName: 'scripted',
    systemFingerprint: 'fp',
    maxLogprobs: 20,
    created: 0,
    prompts,
    requests,
    admitted: 0,
    admit(numSequences) {
      this.admitted += numSequences;
      return () => {
        this.admitted -= numSequences;
      };
    },
  };
}
