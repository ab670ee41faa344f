import type { ApiName, Dialect } from './dialect.ts';
import { llamaServer } from './dialects/llama-server.ts';
import { ollama } from './dialects/ollama.ts';
import { openai } from './dialects/openai.ts';
import { sglang } from './dialects/sglang.ts';
import { tgi } from './dialects/tgi.ts';
import { vllm } from './dialects/vllm.ts';

/** By name, in the order of detection: most servers also have OpenAI's API, so that it comes last. */
export const DIALECTS: Readonly<Record<ApiName, Dialect>> = {
  'llama-server': llamaServer,
  sglang,
  tgi,
  ollama,
  vllm,
  openai,
};

/** What `--api` takes. */
export const API_NAMES: readonly ['auto', ...ApiName[]] = ['auto', ...(Object.keys(DIALECTS) as ApiName[])];
