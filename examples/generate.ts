/**
 * Continues two prompts in one batch and prints tokens as they come.
 *
 *     npm install plumbline-llm
 *     node generate.ts MODEL-DIR          # a directory in HuggingFace's layout: config.json and safetensors
 *
 * In the repository: node -C plumbline-source examples/generate.ts MODEL-DIR
 */
import { Engine } from 'plumbline-llm';

const [modelDir] = process.argv.slice(2);
if (!modelDir) throw new Error('expected a model directory as the first argument');

const engine = await Engine.load(modelDir);
try {
  const requests = [
    { ids: [1, 2, 3, 4], maxNewTokens: 8 },
    // Three samples that share what is computed for their prompt.
    { ids: [5, 6], maxNewTokens: 4, temperature: 0.8, seed: 1, n: 3 },
  ];
  for await (const event of engine.generate(requests)) {
    if (event.type === 'error') throw event.error;
    const { request, type } = event;
    if (type === 'token') console.log(`request ${request}, sample ${event.sample}: token ${event.token}`);
    else console.log(`request ${request}, sample ${event.sample}: ${event.result.fingerprint}`);
  }
} finally {
  await engine.close();
}
