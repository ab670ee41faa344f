import type { GreedyRequest, SubjectModel } from '../../../verify/subject.ts';
import { fakeSubject } from '../verify/fake-subject.ts';
import { ServedModel, type ServedText } from './served-model.ts';

/** A letter for each of the eight tokens of a fake subject. */
export const LETTERS: ServedText & { decode(ids: Iterable<number>): string } = {
  encode: (text) => Array.from(text, (letter) => (letter.codePointAt(0) ?? 0) % 8),
  pieceOf: (id) => String.fromCharCode(96 + (id || 8)),
  decode: (ids) => Array.from(ids, (id) => LETTERS.pieceOf(id)).join(''),
  render: (messages, { addGenerationPrompt }) =>
    `${JSON.stringify(messages)}${addGenerationPrompt ? 'a' : ''}`,
};

/** A fake subject that also shows the rows that its greedy tokens are chosen from. */
export function scoringFake(): SubjectModel {
  const fake = fakeSubject();
  return {
    ...fake,
    async generate(request: GreedyRequest) {
      const { tokens } = await fake.generate(request);
      const ids = [...request.ids, ...tokens];
      const positions = tokens.map((_, i) => request.ids.length - 1 + i);
      return { tokens, scores: (await fake.forward({ ids, positions })).rows };
    },
  };
}

/** A model of eight tokens, ready to be served: what it computes takes no time. */
export function fakeServed(): ServedModel {
  return new ServedModel(scoringFake(), { name: 'fake', eosTokenId: 7, text: LETTERS });
}
