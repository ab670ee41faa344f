import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { SafetensorsFile } from '../../engine/checkpoint/safetensors.ts';
import { Engine } from '../../engine/engine.ts';
import { logSumExp, maxAbs } from '../../golden/tolerance.ts';
import { engineModel } from '../../verify/adapters/engine.ts';
import type { ExpectedRow } from '../../verify/compare/expected-rows.ts';
import { compareGreedy } from '../../verify/compare/greedy.ts';
import { compareHiddenStates } from '../../verify/compare/hidden-states.ts';
import { compareRms, compareRows, pairRows, type RowNoise } from '../../verify/compare/rows.ts';
import { closing } from '../support/processes/cleanup.ts';

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
      const subject = closing(t, engineModel(engine));
      const { vocabSize, numHiddenLayers } = engine.config;
      const [logits, truth] = [floats(`${name}.logits`), floats(`${name}.logits_float64`)];
      t.is(logits.length, ids.length * vocabSize);
      const expected = ids.map((_, position): ExpectedRow => {
        const row = logits.subarray(position * vocabSize, (position + 1) * vocabSize) as Float32Array;
        return {
          position,
          ids: [...row.keys()],
          logits: row,
          rowMax: maxAbs(row),
          logSumExp: logSumExp(row),
          truth: truth.subarray(position * vocabSize, (position + 1) * vocabSize) as Float64Array,
        };
      });
      const noise = noiseOf(expected);
      const positions = [...ids.keys()];
      const answer = await subject.forward({ ids, positions, hidden: true });
      const rows = pairRows(name, answer.rows, expected, noise);
      t.deepEqual(compareRows(rows, noise), []);
      t.deepEqual(compareRms(rows, noise.logitsRms), [], 'the engine is farther from the truth than PyTorch');

      const values = floats(`${name}.hidden_states`) as Float32Array;
      const stages = new Array(numHiddenLayers + 2).fill(noise.logits);
      const stored = { values, positions, noise: stages };
      t.is(answer.hidden!.length, values.length);
      t.deepEqual(compareHiddenStates(answer.hidden!, ids.length, stored, engine.config), []);

      const { tokens } = await subject.generate({ ids, maxNewTokens: greedy.length });
      const isTie = (step: number) => margins[step] < 1e-4;
      t.is(compareGreedy(tokens, greedy, ids.length, isTie).difference, undefined);
    });
  }
}

/** PyTorch's own distance from its float64 twin. */
function noiseOf(rows: readonly ExpectedRow[]): RowNoise & { logitsRms: number } {
  const errors = rows.flatMap(({ logits, truth }) => Array.from(logits, (logit, i) => logit - truth![i]));
  const rowProbabilities = rows.map(({ logits, logSumExp: sum, truth }) => {
    const truthSum = logSumExp(truth!);
    return maxAbs(
      Float64Array.from(logits, (logit, i) => Math.exp(logit - sum) - Math.exp(truth![i] - truthSum)),
    );
  });
  return {
    logits: maxAbs(errors) / Math.max(...rows.map(({ truth }) => maxAbs(truth!))),
    probabilities: Math.max(...rowProbabilities),
    logitsRms: Math.sqrt(errors.reduce((sum, error) => sum + error ** 2, 0) / errors.length),
  };
}
