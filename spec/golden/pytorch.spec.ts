import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { SafetensorsFile } from '../../engine/checkpoint/safetensors.ts';
import { Engine } from '../../engine/engine.ts';
import { maxAbs, tolerance } from '../../golden/tolerance.ts';
import { generateOne } from '../../verify/generate.ts';

/** What HuggingFace's own PyTorch computed, see `source`; an independent witness that is not regenerated. */
interface PytorchCases {
  source: string;
  cases: Record<string, { ids: number[]; greedy: number[]; margins: number[] }>;
}

for (const model of ['dense', 'moe']) {
  const folder = fileURLToPath(new URL(`../../golden/pytorch/${model}/`, import.meta.url));
  const { cases, source }: PytorchCases = JSON.parse(readFileSync(`${folder}cases.json`, 'utf8'));
  const floats = (name: string) => {
    const file = SafetensorsFile.open(`${folder}expected.safetensors`);
    const [bytes, dtype] = [file.read(name).buffer as ArrayBuffer, file.tensors.get(name)?.dtype];
    file.close();
    return dtype === 'F64' ? new Float64Array(bytes) : new Float32Array(bytes);
  };

  for (const [name, { ids, greedy, margins }] of Object.entries(cases)) {
    test(`${model} · ${name}: the engine is what ${source.split(',')[0]} computes`, async (t) => {
      const engine = await Engine.load(folder);
      t.teardown(() => engine.close());
      const { vocabSize, hiddenSize } = engine.config;
      const { logits, hidden } = engine.forward(ids, { hidden: true });
      const [expected, truth] = [floats(`${name}.logits`), floats(`${name}.logits_float64`)];
      t.is(logits.length, expected.length);
      const noise = maxAbs(Float64Array.from(expected, (v, i) => v - truth[i])) / maxAbs(truth);
      for (let begin = 0; begin < logits.length; begin += vocabSize) {
        const row = expected.subarray(begin, begin + vocabSize);
        const distance = maxAbs(Float64Array.from(row, (v, i) => v - logits[begin + i]));
        t.true(
          distance <= tolerance(maxAbs(row), noise),
          `logits of position ${begin / vocabSize}: ${distance}`,
        );
      }
      const rms = (values: ArrayLike<number>) =>
        Math.hypot(...Float64Array.from(truth, (v, i) => v - values[i]));
      t.true(rms(logits) <= 2 * rms(expected), 'the engine is farther from the truth than PyTorch');

      const states = floats(`${name}.hidden_states`);
      t.is(hidden!.length, states.length);
      for (let begin = 0; begin < states.length; begin += hiddenSize) {
        const row = states.subarray(begin, begin + hiddenSize);
        const distance = maxAbs(Float64Array.from(row, (v, i) => v - hidden![begin + i]));
        t.true(
          distance <= tolerance(maxAbs(row), noise),
          `hidden states, row ${begin / hiddenSize}: ${distance}`,
        );
      }

      const request = { ids, maxNewTokens: greedy.length, ignoreEos: true };
      const { tokens } = (await generateOne(engine, request)).result;
      const flipped = tokens.findIndex((token, step) => token !== greedy[step]);
      t.true(flipped < 0 || margins[flipped] < 1e-4, `greedy token ${flipped} is ${tokens[flipped]}`);
    });
  }
}
