import { logSumExp } from '../../../golden/tolerance.ts';
import type { SubjectModel, TokenScores } from '../../../verify/subject.ts';

/** What a server shows of a row. */
export type RowView = (row: TokenScores) => TokenScores;

/** Log-probabilities in f32, over the same tokens. */
export const logProbabilities: RowView = ({ ids, values }) => {
  const sum = logSumExp(values);
  return { ids, values: values.map((value) => value - sum) };
};

/** The likeliest N tokens, the likeliest first. */
export function top(count: number): RowView {
  return ({ values }) => {
    const ids = Int32Array.from(values.keys())
      .sort((a, b) => values[b] - values[a] || a - b)
      .slice(0, count);
    return { ids, values: Float32Array.from(ids, (id) => values[id]) };
  };
}

/** A model of which other rows are seen, e.g. those that its server shows. */
export function viewedAs(model: SubjectModel, view: RowView): SubjectModel {
  return {
    ...model,
    async forward(request) {
      const answer = await model.forward(request);
      return { ...answer, rows: answer.rows.map(view) };
    },
    async generate(request) {
      const answer = await model.generate(request);
      return { ...answer, scores: answer.scores?.map(view) };
    },
  };
}
