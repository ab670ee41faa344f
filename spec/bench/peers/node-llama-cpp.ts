import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type InstalledLlamaCpp,
  importNodeLlamaCpp,
  type LlamaSequence,
} from '../../support/llama-cpp/binding.ts';
import { ensureGguf } from '../../support/llama-cpp/ensure-gguf.ts';
import { LLAMA_CPP_FOLDER } from '../../support/llama-cpp/install.ts';
import { type LoadPeer, type PeerSettings, PeerUnavailable } from './peer.ts';

const PROJECT = fileURLToPath(new URL('../../..', import.meta.url));
const INSTALL =
  'NODE_LLAMA_CPP_SKIP_DOWNLOAD=true npm i --no-save node-llama-cpp @node-llama-cpp/linux-x64 --omit=optional';

/** llama.cpp by its Node binding: the same bf16 weights as GGUF, default flash attention, an f16 cache. */
export const load: LoadPeer = async (settings) => {
  const { module, version } = await find(settings.llamaDir);
  const { threads, maxBatch, cacheTokens } = settings;
  const llama = await module.getLlama({
    gpu: false,
    build: 'never',
    skipDownload: true,
    maxThreads: threads,
    logLevel: 'error',
  });
  const model = await llama.loadModel({ modelPath: await ensureGguf(settings.modelDir) });
  const context = await model.createContext({
    sequences: maxBatch,
    // Each sequence has cells of its own.
    contextSize: Math.ceil(cacheTokens / maxBatch),
    batchSize: 512,
    threads: { ideal: threads, min: threads },
  });
  const idle = Array.from({ length: maxBatch }, () => context.getSequence());
  return {
    version,
    maxConcurrent: maxBatch,
    generate: (prompts, maxNewTokens, onToken) =>
      Promise.all(
        prompts.map(async (ids, prompt) => {
          const sequence = idle.pop();
          if (!sequence) throw new Error(`more than ${maxBatch} sequences were asked for at once`);
          try {
            return await complete(sequence, ids, maxNewTokens, () => onToken(prompt));
          } finally {
            idle.push(sequence);
          }
        }),
      ),
    close: () => llama.dispose(),
  };
};

async function complete(
  sequence: LlamaSequence,
  ids: readonly number[],
  maxNewTokens: number,
  onToken: () => void,
): Promise<number[]> {
  await sequence.clearHistory();
  // Without sampling after every part of a long prompt; the last id begins what is sampled.
  if (ids.length > 1) await sequence.evaluateWithoutGeneratingNewTokens(ids.slice(0, -1));
  const tokens: number[] = [];
  for await (const token of sequence.evaluate(ids.slice(-1), { temperature: 0, yieldEogToken: true })) {
    tokens.push(token);
    onToken();
    if (tokens.length === maxNewTokens) break;
  }
  return tokens;
}

/** @throws PeerUnavailable if it is not installed. */
async function find(llamaDir: PeerSettings['llamaDir']): Promise<InstalledLlamaCpp> {
  const folder = llamaDir ?? PROJECT;
  const found = await importNodeLlamaCpp(folder);
  // Specs install it there.
  const installed =
    found ?? (llamaDir === undefined ? await importNodeLlamaCpp(LLAMA_CPP_FOLDER) : undefined);
  if (installed) return installed;
  const home = join(folder, 'node_modules', 'node-llama-cpp');
  throw new PeerUnavailable(`it is not installed at ${home}; install it there with: ${INSTALL}`);
}
