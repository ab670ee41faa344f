import { Engine, type EngineOptions, readModelConfig } from '../../../engine/index.ts';
import { cacheBytesPerToken } from '../../../engine/model/kv-cache.ts';
import { readPackageJson } from '../../../engine/terminal/package-json.ts';
import type { LoadPeer, PeerSettings } from './peer.ts';

/** Our own engine. */
export const load: LoadPeer = async (settings) => {
  const engine = await Engine.load(settings.modelDir, engineOptions(settings));
  const { version } = readPackageJson();
  const { cacheTokens, maxBatch, blockSize } = engine.options;
  let cachedTokens = 0;
  const positions = Math.ceil(cacheTokens / blockSize) * blockSize;
  return {
    version: settings.revectorize ? version : `${version} without 256-bit vectors`,
    maxConcurrent: maxBatch,
    cacheBytes: positions * cacheBytesPerToken(await readModelConfig(settings.modelDir)),
    allocatedBytes: engine.bytesAllocated,
    async generate(prompts, maxNewTokens, onToken, sampling = {}) {
      const tokens: number[][] = prompts.map(() => []);
      cachedTokens = 0;
      const requests = prompts.map((ids) => ({ ...sampling, ids, maxNewTokens, ignoreEos: true }));
      for await (const event of engine.generate(requests)) {
        if (event.type === 'error') throw event.error;
        if (event.type === 'result') {
          cachedTokens += event.result.cachedTokens;
          continue;
        }
        tokens[event.request].push(event.token);
        onToken(event.request);
      }
      return tokens;
    },
    cachedTokens: () => cachedTokens,
    async close() {
      await engine.close();
    },
  };
};

/** The one place where the bench says how the engine is set up. */
function engineOptions(settings: PeerSettings): EngineOptions {
  const { threads, revectorize = true, cacheTokens, maxBatch } = settings;
  const { prefixCaching = false, promptLookup = 0, tp = 1 } = settings;
  return { threads, revectorize, cacheTokens, maxBatch, prefixCaching, promptLookup, tp };
}
