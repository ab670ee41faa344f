import { readModelConfig } from '../../../engine/checkpoint/read-config.ts';
import { FIXTURES } from '../../../generator/fixtures/fixture-specs.ts';
import { fixtureFolder } from '../../../generator/fixtures/fixtures.ts';
import { ensureFixtureGraphs, GRAPHS } from '../../../generator/recording/graphs.ts';
import { Reference, type ReferenceOptions } from '../../../generator/recording/reference.ts';
import type { Subject } from '../../../verify/subject.ts';

/** transformers.js itself as the subject: an honest engine that is not ours. */
export function transformersJs(name: string, options: ReferenceOptions): Subject {
  return {
    info: { name, language: 'TypeScript' },
    async load(directory) {
      const modelDir = await withGraphs(directory);
      const config = await readModelConfig(modelDir);
      const reference = await Reference.load(modelDir, options);
      // Quantised weights have no tapped graph; their logits say enough.
      const tapped =
        options.dtype === 'q8' ? undefined : await Reference.load(modelDir, { fileName: GRAPHS.tapped });
      return {
        capabilities: {
          scores: 'all',
          hidden: tapped !== undefined,
          tokenize: false,
          chat: false,
          maxConcurrency: 1,
        },
        async forward({ ids, positions, hidden }) {
          const { logits } = await reference.forward(ids, ids.length - (positions[0] ?? 0));
          const rows = positions.map((position) => {
            const begin = (position - positions[0]) * config.vocabSize;
            return { values: logits.slice(begin, begin + config.vocabSize) };
          });
          if (!tapped || !hidden) return { rows };
          return { rows, hidden: await hiddenStates(tapped, ids, config.numHiddenLayers) };
        },
        async generate({ ids, maxNewTokens }) {
          const { tokens, logits } = await reference.generate(ids, maxNewTokens);
          return { tokens, scores: logits.map((values) => ({ values })) };
        },
        async close() {
          await reference.dispose();
          await tapped?.dispose();
        },
      };
    },
  };
}

/** A fixture's own folder has no graphs; another directory has them in it. */
async function withGraphs(directory: string): Promise<string> {
  const fixture = Object.keys(FIXTURES).find((name) => fixtureFolder(name) === directory);
  return fixture ? await ensureFixtureGraphs(fixture) : directory;
}

async function hiddenStates(
  tapped: Reference,
  ids: readonly number[],
  numHiddenLayers: number,
): Promise<Float32Array> {
  const { stages } = await tapped.forward(ids, 1);
  const names = Array.from({ length: numHiddenLayers + 1 }, (_, i) => `hidden_states.${i}`);
  const all = [...names, 'hidden_states.final'].map((name) => stages.get(name)!);
  return Float32Array.from(all.flatMap((stage) => Array.from(stage)));
}

export default transformersJs('transformers.js fp32', { dtype: 'fp32' });
