import type { SubjectModel, TokenScores } from '../../../verify/subject.ts';

/** What a fake subject's model is like. */
export const FAKE_SIZES = { vocabSize: 8, hiddenSize: 2, numHiddenLayers: 1 };

/** A row that depends on the ids up to its position alone, as a causal model's does. */
export function fakeRow(ids: readonly number[]): TokenScores {
  const seed = ids.reduce((sum, id) => (sum * 31 + id + 1) % 1009, 7);
  return { values: Float32Array.from({ length: FAKE_SIZES.vocabSize }, (_, i) => Math.sin(seed * (i + 1))) };
}

function greedyToken(ids: readonly number[]): number {
  const { values } = fakeRow(ids);
  return values.indexOf(Math.max(...values));
}

/** A subject that computes nothing, but the same for the same ids. @param parts override what it does. */
export function fakeSubject(
  parts: Partial<SubjectModel> = {},
  capabilities: Partial<SubjectModel['capabilities']> = {},
): SubjectModel {
  return {
    capabilities: {
      scores: 'all',
      hidden: false,
      tokenize: false,
      chat: false,
      maxConcurrency: 4,
      stream: true,
      ...capabilities,
    },
    async forward({ ids, positions }) {
      return { rows: positions.map((position) => fakeRow(ids.slice(0, position + 1))) };
    },
    async generate({ ids, maxNewTokens }) {
      const all = [...ids];
      for (let i = 0; i < maxNewTokens; i++) all.push(greedyToken(all));
      return { tokens: all.slice(ids.length) };
    },
    async close() {},
    ...parts,
  };
}
