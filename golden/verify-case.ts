import { readCase, readManifest } from './goldens.ts';
import { judgedPositions } from './judged-positions.ts';
import type { Prompt } from './schema.ts';

/** A case that the judge asks a subject about. Expectations (`greedy`) never leave the judge. */
export interface VerifyCase {
  /** Stable: the same in every run and every report. */
  readonly id: string;
  /** The prompt, as HuggingFace's tokenizer encodes it. */
  readonly promptIds: readonly number[];
  /** The reference's greedy tokens after the prompt. */
  readonly greedy: readonly number[];
  /** Positions of prompt and greedy tokens whose rows are judged, ascending. */
  readonly positions: readonly number[];
  /** The text, or the rendered conversation, if the prompt is one. */
  readonly text?: string;
  /** The conversation before it was rendered. */
  readonly conversation?: Extract<Prompt, { messages: unknown }>;
  /** Why the reference refuses this prompt, in its own words: a subject has to refuse it too. */
  readonly refusal?: string;
}

/** The prompt and the greedy tokens after it: what a subject is given to score. */
export function sequenceOf({ promptIds, greedy }: VerifyCase): number[] {
  return [...promptIds, ...greedy];
}

/**
 * The cases that are stored of a model.
 *
 * @param prompts where conversations are found by their ids.
 * @throws FileError if the goldens cannot be read.
 */
export function storedCases(model: string, prompts: readonly Prompt[], folder?: string): VerifyCase[] {
  const promptOf = new Map(prompts.map((prompt) => [prompt.id, prompt]));
  return readManifest(model, folder).cases.map((id): VerifyCase => {
    const golden = readCase(model, id, folder);
    const { ids: promptIds, text } = golden;
    const prompt = promptOf.get(id);
    const common = {
      ...{ id, promptIds },
      ...(text === undefined ? {} : { text }),
      ...(prompt && 'messages' in prompt ? { conversation: prompt } : {}),
    };
    if ('refusal' in golden) return { ...common, greedy: [], positions: [], refusal: golden.refusal };
    const { tokens } = golden.greedy;
    return {
      ...common,
      greedy: tokens,
      positions: judgedPositions(promptIds.length, tokens.length, golden.positions),
    };
  });
}
