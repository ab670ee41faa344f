import { readModelConfig } from '../../../engine/checkpoint/read-config.ts';
import { Engine } from '../../../engine/index.ts';
import { ChatTemplate } from '../../../engine/text/chat.ts';
import type { ChatMessage } from '../../../engine/text/conversation.ts';
import { Tokenizer } from '../../../engine/text/tokenizer.ts';
import { engineModel } from '../../../verify/adapters/engine.ts';
import type { ApiName } from '../../../verify/adapters/http/dialect.ts';
import type { SubjectModel } from '../../../verify/subject.ts';
import { llamaServerRoutes } from './llama-server.ts';
import type { Routes } from './loopback-server.ts';
import { ollamaRoutes } from './ollama.ts';
import { openaiRoutes } from './openai.ts';
import { ServedModel, type ServedText } from './served-model.ts';
import { sglangRoutes } from './sglang.ts';
import { tgiRoutes } from './tgi.ts';
import { vllmRoutes } from './vllm.ts';

/** The name under which models are served. */
export const SERVED_NAME = 'plumbline-spec';

/** Routes of each API. */
export const SERVERS: Readonly<Record<ApiName, (model: ServedModel) => Routes>> = {
  vllm: vllmRoutes,
  sglang: sglangRoutes,
  'llama-server': llamaServerRoutes,
  tgi: tgiRoutes,
  ollama: ollamaRoutes,
  openai: openaiRoutes,
};

/**
 * A model of a directory, ready to be served. @param model default: our own engine. It is closed by `close`.
 */
export async function serveModel(
  modelDir: string,
  model?: SubjectModel,
): Promise<{ served: ServedModel; model: SubjectModel; close(): Promise<void> }> {
  const opened = model ?? engineModel(await Engine.load(modelDir));
  const { eosTokenIds } = await readModelConfig(modelDir);
  const text = await loadText(modelDir);
  const served = new ServedModel(opened, {
    name: SERVED_NAME,
    eosTokenId: eosTokenIds[0],
    ...(text ? { text } : {}),
  });
  return { served, model: opened, close: () => opened.close() };
}

/** The tokenizer and template of a model directory; undefined if it has none. */
async function loadText(modelDir: string): Promise<ServedText | undefined> {
  const tokenizer = await Tokenizer.load(modelDir).catch(() => undefined);
  if (!tokenizer) return undefined;
  const template = await ChatTemplate.load(modelDir).catch(() => undefined);
  return {
    encode: (text) => tokenizer.encode(text),
    pieceOf: (id) => tokenizer.decode([id]),
    render: (messages, { tools, enableThinking, addGenerationPrompt }) => {
      if (!template) throw new Error(`${modelDir} has no chat template`);
      return template.render(messages as ChatMessage[], {
        addGenerationPrompt,
        ...(enableThinking === undefined ? {} : { enableThinking }),
        ...(tools ? { tools: tools as Record<string, unknown>[] } : {}),
      });
    },
  };
}
