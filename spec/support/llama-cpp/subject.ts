import { readModelConfig } from '../../../engine/checkpoint/read-config.ts';
import type { GgufWeightType } from '../../../generator/export/gguf/tensors.ts';
import { NotSupportedError } from '../../../verify/errors.ts';
import { Slots } from '../../../verify/protocol/slots.ts';
import type { Subject, SubjectModel, TokenScores } from '../../../verify/subject.ts';
import type { InstalledLlamaCpp, Llama, LlamaSequence, WantedNext } from './binding.ts';
import { ensureGguf } from './ensure-gguf.ts';

/** How llama.cpp is started. */
export interface LlamaCppOptions {
  /** The type of the GGUF file's matrices. */
  readonly weights: GgufWeightType;
  /** Attention in f32: llama.cpp's own is flash attention over keys and values in f16. Default false. */
  readonly attendsInF32?: boolean;
  /** Show only this number of likeliest tokens. Default: all. */
  readonly top?: number;
  /** The folder that gets the GGUF file. Default: the folder of fixtures. */
  readonly folder?: string;
}

/** Requests that are computed in one batch. */
const SEQUENCES = 4;
/** Tokens of one sequence. */
const CONTEXT = 2048;

const ATTENTION_IN_F32 = {
  flashAttention: false,
  experimentalKvCacheKeyType: 'F32',
  experimentalKvCacheValueType: 'F32',
} as const;

/**
 * llama.cpp on the CPU, by its Node binding, as a server runs it: up to four requests in one batch, and the
 * prefix that a request shares with the one before it is not computed again.
 */
export function llamaCpp(installed: InstalledLlamaCpp, options: LlamaCppOptions): Subject {
  const { weights, attendsInF32 = false, top, folder } = options;
  const { version } = installed;
  return {
    info: { name: `llama.cpp ${weights}`, version, language: 'C++' },
    async load(modelDir) {
      const { vocabSize } = await readModelConfig(modelDir);
      const llama = await start(installed);
      const model = await llama.loadModel({
        modelPath: await ensureGguf(modelDir, { type: weights, folder }),
      });
      const context = await model.createContext({
        ...{ sequences: SEQUENCES, contextSize: CONTEXT, batchSize: 512, threads: { ideal: 1, min: 1 } },
        ...(attendsInF32 ? ATTENTION_IN_F32 : {}),
      });
      const idle = Array.from({ length: SEQUENCES }, () => context.getSequence());
      return sequencesModel(idle, {
        vocabSize,
        top,
        tokenize: (text) => model.tokenize(text, true),
        close: () => llama.dispose(),
      });
    },
  };
}

/** The tokenizer of a model directory's GGUF file alone. */
export async function llamaCppTokenizer(
  installed: InstalledLlamaCpp,
  modelDir: string,
): Promise<SubjectModel> {
  const llama = await start(installed);
  const model = await llama.loadModel({ modelPath: await ensureGguf(modelDir), vocabOnly: true });
  const refuse = async () => {
    throw new NotSupportedError('only the tokenizer is loaded');
  };
  return {
    capabilities: { scores: 'none', hidden: false, tokenize: true, chat: false, maxConcurrency: 1 },
    forward: refuse,
    generate: refuse,
    tokenize: async (text) => model.tokenize(text, true),
    close: () => llama.dispose(),
  };
}

function start({ module }: InstalledLlamaCpp): Promise<Llama> {
  return module.getLlama({
    ...{ gpu: false, build: 'never', skipDownload: true, maxThreads: 1, logLevel: 'error' },
  });
}

interface Loaded {
  readonly vocabSize: number;
  readonly top: number | undefined;
  tokenize(text: string): number[];
  close(): Promise<void>;
}

function sequencesModel(idle: LlamaSequence[], { vocabSize, top, tokenize, close }: Loaded): SubjectModel {
  const wanted: WantedNext = {
    token: true,
    logits: top === undefined ? true : { filter: { tokens: [], includeTop: top } },
  };
  const slots = new Slots(idle.length);
  const inSequence = async <T>(
    signal: AbortSignal | undefined,
    use: (sequence: LlamaSequence) => Promise<T>,
  ) => {
    await slots.acquire(signal);
    const sequence = idle.pop()!;
    try {
      return await use(sequence);
    } finally {
      idle.push(sequence);
      slots.release();
    }
  };
  const scoresOf = (logits: ReadonlyMap<number, number>): TokenScores => {
    if (top !== undefined) {
      return { ids: Int32Array.from(logits.keys()), values: Float32Array.from(logits.values()) };
    }
    const values = new Float32Array(vocabSize);
    for (const [id, logit] of logits) values[id] = logit;
    return { values };
  };
  /** What follows each of the ascending positions. The state before the first is kept if it is the same. */
  const evaluate = async (sequence: LlamaSequence, ids: readonly number[], positions: readonly number[]) => {
    await sequence.adaptStateToTokens(ids.slice(0, positions[0]), false);
    const kept = sequence.nextTokenIndex;
    const isWanted = new Set(positions);
    const evaluated = await sequence.controlledEvaluate(
      ids.slice(kept).map((id, i) => (isWanted.has(kept + i) ? [id, { generateNext: wanted }] : id)),
    );
    return positions.map((position) => evaluated[position - kept]!.next);
  };
  return {
    capabilities: {
      ...{ scores: top === undefined ? 'all' : 'top', hidden: false, tokenize: true, chat: false },
      maxConcurrency: idle.length,
    },
    forward: ({ ids, positions, signal }) =>
      inSequence(signal, async (sequence) => ({
        rows: (await evaluate(sequence, ids, positions)).map(({ logits }) => scoresOf(logits)),
      })),
    generate: ({ ids, maxNewTokens, signal }) =>
      inSequence(signal, async (sequence) => {
        if (ids.length === 0) throw new Error('the prompt is empty');
        const context = [...ids];
        const scores: TokenScores[] = [];
        while (scores.length < maxNewTokens) {
          const [{ token, logits }] = await evaluate(sequence, context, [context.length - 1]);
          scores.push(scoresOf(logits));
          context.push(token);
        }
        return { tokens: context.slice(ids.length), scores };
      }),
    tokenize: async (text) => tokenize(text),
    close,
  };
}
