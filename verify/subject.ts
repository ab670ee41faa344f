import { pathToFileURL } from 'node:url';
import { Engine } from '../engine/engine.ts';
import { generateOne } from './generate.ts';

/**
 * What the golden suite is put in front of: ids in; logits, tokens and, if it can, hidden states out. Another engine
 * is tested by a module whose default export is one: `SUBJECT=./adapter.ts npx ava 'spec/golden/**'`.
 */
export interface Subject {
  readonly name: string;
  /** @param modelDir a model directory in HuggingFace's layout. */
  load(modelDir: string): Promise<SubjectModel>;
}

/** A loaded model. Every method rejects for a prompt that the model cannot be given. */
export interface SubjectModel {
  /**
   * @param positions whose logits are wanted, ascending.
   * @returns logits f32 [positions, vocabSize]; hidden states f32 [layers + 2, T, hiddenSize] (the embedding, each
   * layer's output before the final norm, after the final norm) if the subject has them.
   */
  forward(
    ids: readonly number[],
    positions: readonly number[],
  ): Promise<{ logits: Float32Array; hidden?: Float32Array }>;
  /**
   * Greedy, not ended by any token.
   *
   * @returns the tokens; for each the logits it was chosen from, f32 [vocabSize], if the subject has them; and a
   * fingerprint if it makes one.
   */
  generate(
    ids: readonly number[],
    maxNewTokens: number,
  ): Promise<{ tokens: number[]; logits?: Float32Array[]; fingerprint?: string }>;
  close(): Promise<void>;
}

/** The subject that `SUBJECT` names, or else our engine. */
export async function loadSubject(path: string | undefined = process.env.SUBJECT): Promise<Subject> {
  return path ? (await import(pathToFileURL(path).href)).default : engineSubject('plumbline', Engine);
}

/** An engine as a subject. @param implementation the class, or a broken variant of it. */
export function engineSubject(name: string, implementation: Pick<typeof Engine, 'load'>): Subject {
  return {
    name,
    async load(modelDir) {
      const engine = await implementation.load(modelDir);
      return {
        async forward(ids, positions) {
          return engine.forward(ids, { positions, hidden: true });
        },
        async generate(ids, maxNewTokens) {
          const request = { ids, maxNewTokens, ignoreEos: true, returnLogits: true };
          const { result, events } = await generateOne(engine, request);
          return { ...result, logits: events.map(({ logits }) => logits!) };
        },
        async close() {
          await engine.close();
        },
      };
    },
  };
}
