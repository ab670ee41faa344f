import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import * as ort from 'onnxruntime-web';
import { Checkpoint } from '../../../engine/checkpoint/checkpoint.ts';
import { readModelConfig } from '../../../engine/checkpoint/read-config.ts';
import type { ModelConfig } from '../../../engine/config.ts';
import { argmax, type LoadPeer, PeerUnavailable } from './peer.ts';

type Tensors = Record<string, ort.Tensor>;

/** The largest file that Node reads at once; twice as much does not fit into WebAssembly's 4 GB anyway. */
const MAX_FILE_BYTES = 2 ** 31;

/** ONNX Runtime compiled to WebAssembly, on the graph that transformers.js runs; the loop is ours. */
export const load: LoadPeer = async ({ modelDir, threads }) => {
  const graph = join(modelDir, 'onnx', 'model.onnx');
  if (!existsSync(graph)) throw new PeerUnavailable(`${modelDir} has no onnx/model.onnx to run`);
  const config = await readModelConfig(modelDir);
  ort.env.wasm.numThreads = threads;
  const session = await ort.InferenceSession.create(readFileSync(graph), {
    executionProviders: ['wasm'],
    externalData: externalData(modelDir),
    graphOptimizationLevel: 'all',
  });
  return {
    version: ort.env.versions.web ?? 'unknown',
    maxConcurrent: 1,
    async generate(prompts, maxNewTokens, onToken) {
      const tokens: number[][] = prompts.map(() => []);
      let rows = prompts;
      let cache = emptyCache(config, prompts.length);
      for (let step = 0, past = 0; step < maxNewTokens; step++) {
        const outputs = (await session.run({ ...inputs(rows, past), ...cache })) as Tensors;
        past += rows[0].length;
        const { logits } = outputs;
        const width = logits.dims[2];
        const data = logits.data as Float32Array;
        rows = prompts.map((_, i) => {
          const end = ((i + 1) * data.length) / prompts.length;
          const token = argmax(data.subarray(end - width, end));
          tokens[i].push(token);
          onToken(i);
          return [token];
        });
        logits.dispose();
        disposeAll(cache);
        cache = presentAsPast(outputs);
      }
      disposeAll(cache);
      return tokens;
    },
    async close() {
      await session.release();
    },
  };
};

function externalData(modelDir: string): { path: string; data: Uint8Array }[] {
  const checkpoint = Checkpoint.open(modelDir);
  const paths = checkpoint.files.map(({ path }) => path);
  checkpoint.close();
  return paths.map((path) => {
    if (statSync(path).size >= MAX_FILE_BYTES) {
      throw new PeerUnavailable(
        `${path} has 2 GB or more, whose f32 does not fit into the 4 GB of WebAssembly`,
      );
    }
    return { path: basename(path), data: readFileSync(path) };
  });
}

function inputs(rows: readonly (readonly number[])[], past: number): Tensors {
  const [batch, time] = [rows.length, rows[0].length];
  const positions = rows.flatMap((row) => row.map((_, i) => past + i));
  return {
    input_ids: new ort.Tensor('int64', BigInt64Array.from(rows.flat(), BigInt), [batch, time]),
    attention_mask: new ort.Tensor('int64', new BigInt64Array(batch * (past + time)).fill(1n), [
      batch,
      past + time,
    ]),
    position_ids: new ort.Tensor('int64', BigInt64Array.from(positions, BigInt), [batch, time]),
    num_logits_to_keep: new ort.Tensor('int64', BigInt64Array.of(1n), []),
  };
}

function emptyCache(config: ModelConfig, batch: number): Tensors {
  const cache: Tensors = {};
  for (let layer = 0; layer < config.numHiddenLayers; layer++) {
    for (const part of ['key', 'value']) {
      const shape = [batch, config.numKeyValueHeads, 0, config.headDim];
      cache[`past_key_values.${layer}.${part}`] = new ort.Tensor('float32', new Float32Array(0), shape);
    }
  }
  return cache;
}

function presentAsPast(outputs: Tensors): Tensors {
  const cache: Tensors = {};
  for (const [name, tensor] of Object.entries(outputs)) {
    if (name.startsWith('present.')) cache[name.replace('present', 'past_key_values')] = tensor;
  }
  return cache;
}

function disposeAll(tensors: Tensors): void {
  for (const tensor of Object.values(tensors)) tensor.dispose();
}
