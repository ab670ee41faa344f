import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** What is used of node-llama-cpp, llama.cpp's binding for Node. It is no dependency: it has 80 MB. */
export interface NodeLlamaCpp {
  getLlama(options: {
    gpu: false;
    build: 'never';
    skipDownload: true;
    maxThreads: number;
    logLevel: 'error';
  }): Promise<Llama>;
}

export interface Llama {
  loadModel(options: { modelPath: string; vocabOnly?: boolean }): Promise<LlamaModel>;
  dispose(): Promise<void>;
}

export interface LlamaModel {
  createContext(options: {
    sequences: number;
    contextSize: number;
    batchSize: number;
    threads: { ideal: number; min: number };
    flashAttention?: boolean;
    experimentalKvCacheKeyType?: 'F32';
    experimentalKvCacheValueType?: 'F32';
  }): Promise<LlamaContext>;
  tokenize(text: string, specialTokens: boolean): number[];
}

export interface LlamaContext {
  getSequence(): LlamaSequence;
}

export interface LlamaSequence {
  clearHistory(): Promise<void>;
  /** Keeps of what was evaluated the beginning that it shares with `tokens`. */
  adaptStateToTokens(tokens: readonly number[], allowShift: boolean): Promise<void>;
  /** How many tokens are evaluated. */
  readonly nextTokenIndex: number;
  evaluateWithoutGeneratingNewTokens(tokens: readonly number[]): Promise<void>;
  evaluate(
    tokens: readonly number[],
    options: { temperature: 0; yieldEogToken: true },
  ): AsyncGenerator<number, void>;
  /** @returns at the index of each token what was wanted of it. */
  controlledEvaluate(
    input: readonly (number | [token: number, wanted: { generateNext: WantedNext }])[],
  ): Promise<(EvaluatedToken | undefined)[]>;
}

/** What is wanted of the token that follows. */
export interface WantedNext {
  /** The chosen token; without options the likeliest. */
  readonly token: true;
  readonly logits: true | { readonly filter: { readonly tokens: []; readonly includeTop: number } };
}

export interface EvaluatedToken {
  readonly next: { readonly token: number; readonly logits: ReadonlyMap<number, number> };
}

export interface InstalledLlamaCpp {
  readonly module: NodeLlamaCpp;
  readonly version: string;
}

/** @returns undefined if it is not installed in `node_modules` of the folder. */
export async function importNodeLlamaCpp(folder: string): Promise<InstalledLlamaCpp | undefined> {
  const home = join(folder, 'node_modules', 'node-llama-cpp');
  const manifest = join(home, 'package.json');
  if (!existsSync(manifest)) return undefined;
  const { version, exports } = JSON.parse(readFileSync(manifest, 'utf8'));
  const entry = pathToFileURL(join(home, exports['.'].import)).href;
  return { module: (await import(entry)) as NodeLlamaCpp, version };
}
