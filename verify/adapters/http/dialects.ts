import type { ApiName, Dialect } from './dialect.ts';
import { llamaServer } from './dialects/llama-server.ts';
import { ollama } from './dialects/ollama.ts';
import { openai } from './dialects/openai.ts';
import { sglang } from './dialects/sglang.ts';
import { tgi } from './dialects/tgi.ts';
import { vllm } from './dialects/vllm.ts';

/** In the order of detection. */
export const DIALECTS: Readonly<Record<ApiName, Dialect>> = {
  'llama-server': llamaServer,
  sglang,
  tgi,
  ollama,
  vllm,
  openai,
};
