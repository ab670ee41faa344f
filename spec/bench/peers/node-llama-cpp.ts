import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ensureGguf } from '../gguf/ensure.ts';
import { type LoadPeer, type PeerSettings, PeerUnavailable } from './peer.ts';

/** What is used of node-llama-cpp, which need not be installed. */
interface NodeLlamaCpp {
  getLlama(options: {
    gpu: false;
    build: 'never';
    skipDownload: true;
    maxThreads: number;
    logLevel: 'error';
  }): Promise<Llama>;
}
interface Llama {
  loadModel(options: { modelPath: string }): Promise<LlamaModel>;
  dispose(): Promise<void>;
}
interface LlamaModel {
  createContext(options: {
    sequences: number;
    contextSize: number;
    batchSize: number;
    threads: { ideal: number; min: number };
  }): Promise<LlamaContext>;
}
interface LlamaContext {
  getSequence(): LlamaSequence;
}
interface LlamaSequence {
  clearHistory(): Promise<void>;
  evaluateWithoutGeneratingNewTokens(tokens: readonly number[]): Promise<void>;
  evaluate(
    tokens: readonly number[],
    options: { temperature: 0; yieldEogToken: true },
  ): AsyncGenerator<number, void>;
}

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
async function find(llamaDir: PeerSettings['llamaDir']): Promise<{ module: NodeLlamaCpp; version: string }> {
  const home = join(llamaDir ?? PROJECT, 'node_modules', 'node-llama-cpp');
  const manifest = join(home, 'package.json');
  if (!existsSync(manifest)) {
    throw new PeerUnavailable(`it is not installed at ${home}; install it there with: ${INSTALL}`);
  }
  const { version, exports } = JSON.parse(readFileSync(manifest, 'utf8'));
  const entry = pathToFileURL(join(home, exports['.'].import)).href;
  return { module: (await import(entry)) as NodeLlamaCpp, version };
}
