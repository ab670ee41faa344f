import {
  type ChatMessage,
  ChatTemplate,
  type Engine,
  PlumblineError,
  Tokenizer,
} from '../../engine/index.ts';
import { SubjectError } from '../errors.ts';
import { generateOne } from '../generate.ts';
import type { Subject, SubjectModel, TokenScores } from '../subject.ts';

/** What the adapter uses of an engine. */
export type SubjectEngine = Pick<Engine, 'forward' | 'generate' | 'close' | 'options'>;

/** How an engine is loaded: the class `Engine`, or a function in its place. */
export interface EngineLoader {
  load(modelDir: string): Promise<SubjectEngine>;
}

/** Plumbline's own engine as a subject. @param loader the class, or a variant of it. */
export function engineSubject(name: string, loader: EngineLoader): Subject {
  return {
    info: { name, language: 'TypeScript and AssemblyScript' },
    async load(modelDir) {
      return engineModel(await loader.load(modelDir), await loadText(modelDir));
    },
  };
}

/** What the engine makes of texts and conversations. */
type EngineText = Required<Pick<SubjectModel, 'tokenize'>> & Pick<SubjectModel, 'tokenizeChat'>;

/** The model's tokenizer and template as the engine's command uses them; undefined if it has no tokenizer. */
async function loadText(modelDir: string): Promise<EngineText | undefined> {
  const tokenizer = await Tokenizer.load(modelDir).catch(() => undefined);
  if (!tokenizer) return undefined;
  const template = await ChatTemplate.load(modelDir).catch(() => undefined);
  const encode = (text: string) => tokenizer.encode(text, { addSpecialTokens: false });
  return {
    tokenize: (text) => refusalAsError('tokenize', async () => encode(text)),
    ...(template && {
      tokenizeChat: ({ messages, tools, ...options }) =>
        refusalAsError('tokenizeChat', async () => {
          const given = tools ? { tools: tools as Record<string, unknown>[] } : {};
          return encode(
            template.render(messages as ChatMessage[], { addGenerationPrompt: true, ...options, ...given }),
          );
        }),
    }),
  };
}

/**
 * A loaded engine as a subject's model; closing the model closes the engine.
 *
 * @param text default: the engine cannot be asked for the ids of a text.
 */
export function engineModel(engine: SubjectEngine, text?: EngineText): SubjectModel {
  return {
    ...text,
    capabilities: {
      scores: 'all',
      hidden: true,
      tokenize: text !== undefined,
      chat: text?.tokenizeChat !== undefined,
      maxConcurrency: engine.options.maxBatch,
      precision: 'f32',
    },
    forward({ ids, positions, hidden = false }) {
      return refusalAsError('forward', async () => {
        const answer = engine.forward(ids, { positions, hidden });
        return { rows: rowsOf(answer.logits, positions.length), hidden: answer.hidden };
      });
    },
    generate({ ids, maxNewTokens, signal }) {
      return refusalAsError('generate', async () => {
        const request = { ids, maxNewTokens, signal, ignoreEos: true, returnLogits: true };
        const { result, events } = await generateOne(engine, request);
        const scores = events.map(({ logits }) => ({ values: logits! }));
        return { tokens: result.tokens, scores, fingerprint: result.fingerprint };
      });
    },
    close: async () => engine.close(),
  };
}

/** @param logits f32 [count, vocabSize] */
function rowsOf(logits: Float32Array, count: number): TokenScores[] {
  const vocabSize = logits.length / count;
  return Array.from({ length: count }, (_, row) => ({
    values: logits.subarray(row * vocabSize, (row + 1) * vocabSize),
  }));
}

/** What the engine refuses is its answer; any other error is a fault of this process. */
async function refusalAsError<T>(call: string, answer: () => Promise<T>): Promise<T> {
  try {
    return await answer();
  } catch (error) {
    if (!(error instanceof PlumblineError)) throw error;
    throw new SubjectError(`${call}: the engine refuses: ${error.message}`, { cause: error });
  }
}
