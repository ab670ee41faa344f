import { readChatTemplates } from '../text/chat.ts';
import { hasTokenizerFiles } from '../text/tokenizer-files.ts';
import { type TemplateTraits, templateTraits } from './chat/template-traits.ts';
import type { ServedText } from './context.ts';
import { EngineThread, type EngineThreadOptions } from './engine-thread.ts';
import { systemFingerprint } from './system-fingerprint.ts';
import { TextThread } from './text-thread.ts';

/** A model that is ready to be served. */
export interface ServedModel {
  readonly engine: Pick<EngineThread, 'generate' | 'limits' | 'stats' | 'onFailure' | 'close'>;
  /** Undefined if the model has no tokenizer files. */
  readonly text: (ServedText & Pick<TextThread, 'vocabulary' | 'close'>) | undefined;
  readonly templateTraits: TemplateTraits;
  readonly systemFingerprint: string;
}

/** The model that is loaded, and how. */
export type ModelThreadOptions = Omit<EngineThreadOptions, 'hasTokenizer'>;

/**
 * Loads a model for a server: the engine in one thread, and tokenizer and chat template in another.
 *
 * @throws ConfigError, CheckpointError as the readers of a model directory do; ThreadError as the threads
 * do. Then no thread is left.
 */
export async function startThreads(options: ModelThreadOptions): Promise<ServedModel> {
  const { modelDir } = options;
  const fingerprint = await systemFingerprint(modelDir);
  const { sources } = await readChatTemplates(modelDir);
  const hasTokenizer = hasTokenizerFiles(modelDir);
  const [engine, text] = await Promise.allSettled([
    EngineThread.start({ ...options, hasTokenizer }),
    hasTokenizer ? TextThread.start(modelDir) : undefined,
  ]);
  if (engine.status === 'fulfilled' && text.status === 'fulfilled') {
    if (text.value) engine.value.setVocabulary(text.value.vocabulary);
    return {
      engine: engine.value,
      text: text.value,
      templateTraits: templateTraits(sources),
      systemFingerprint: fingerprint,
    };
  }
  if (engine.status === 'fulfilled') await engine.value.close();
  if (text.status === 'fulfilled') await text.value?.close();
  throw engine.status === 'rejected' ? engine.reason : (text as PromiseRejectedResult).reason;
}
