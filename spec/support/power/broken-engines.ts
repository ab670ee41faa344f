import type { LoadOptions } from '../../../engine/distributed/load-model.ts';
import { Engine } from '../../../engine/engine.ts';
import { readModelConfig } from '../../../engine/index.ts';
import type { Kernels } from '../../../engine/kernels/kernels.ts';
import { createWasmKernels } from '../../../engine/kernels/wasm.ts';
import { engineModel } from '../../../verify/adapters/engine.ts';
import { generateOne } from '../../../verify/generate.ts';
import { withConfig } from '../../../verify/reference/config-variant.ts';
import { type Taps, tapKernels } from '../../../verify/reference/tapped-kernels.ts';
import { BUGS } from '../../../verify/signatures/bugs.ts';
import { vectorsOf } from '../../../verify/signatures/faulty-scores.ts';
import type { SubjectModel, TokenScores } from '../../../verify/subject.ts';
import { MUTANTS, type Mutant } from '../mutants/mutants.ts';
import { importMutant } from '../mutants/mutate.ts';
import { SERVING_MUTANTS } from '../mutants/serving-mutants.ts';
import { isServed, type PowerRow } from './power-rows.ts';
import { faultyTaps, roundedTaps } from './rounded-engine.ts';

/** What the engines of the matrix compute in. */
export const POWER_CLASSES = ['f32', 'bf16'] as const;
export type PowerClass = (typeof POWER_CLASSES)[number];

/** Gives a prompt several steps, so that bugs between two of them show. */
const PREFILL_CHUNK = 16;
const BLOCK_SIZE = 3;
/** How an engine serves requests together: few small blocks to share, evict and preempt; and with drafts. */
const CROWDED: LoadOptions = Object.freeze({
  blockSize: BLOCK_SIZE,
  maxBatch: 4,
  maxBatchTokens: 12,
  prefillChunk: 5,
  promptLookup: 8,
});
/** Narrows the weights itself. */
const NARROWS_WEIGHTS = 'weights are truncated to bfloat16';

export interface BrokenEngineOptions {
  readonly precision: PowerClass;
  readonly modelDir: string;
  /** Empty, for the copy of an edited engine. */
  readonly folder: string;
  /** Blocks of the cache, of an engine that serves its requests together. */
  readonly blocks: number;
}

/** Runs something on a broken engine, loaded, and closes it. */
export async function withBrokenEngine<T>(
  row: PowerRow,
  { precision, modelDir, folder, blocks }: BrokenEngineOptions,
  use: (model: SubjectModel) => Promise<T>,
): Promise<T> {
  if (row.table === 'signature') return withBug(row.name, precision, modelDir, use);
  const together = isServed(row);
  const mutants: readonly Pick<Mutant, 'name' | 'edits'>[] = together ? SERVING_MUTANTS : MUTANTS;
  const mutant = mutants.find(({ name }) => name === row.name) ?? { name: row.name, edits: [] };
  const config = await readModelConfig(modelDir);
  const taps = roundedTaps(undefined, { weights: row.name !== NARROWS_WEIGHTS });
  const tapped = (kernels: Kernels) => (precision === 'f32' ? kernels : tapKernels(kernels, config, taps));
  const load = await importMutant(mutant, folder, tapped);
  const kernels = await createWasmKernels({ threads: 1 });
  const crowded = { ...CROWDED, cacheTokens: blocks * BLOCK_SIZE };
  const options = together ? crowded : { prefillChunk: PREFILL_CHUNK };
  const engine = await load(modelDir, { ...options, kernels });
  return closing(together ? servedModel(engine, config.vocabSize) : engineModel(engine), use);
}

async function closing<T>(model: SubjectModel, use: (model: SubjectModel) => Promise<T>): Promise<T> {
  try {
    return await use(model);
  } finally {
    await model.close();
  }
}

/** An engine as a server uses it: prompts are scored by the requests that are served together. */
function servedModel(engine: Engine, vocabSize: number): SubjectModel {
  const model = engineModel(engine);
  return {
    ...model,
    async forward({ ids, positions }) {
      const { result, events } = await generateOne(engine, {
        ...{ ids, maxNewTokens: 1, ignoreEos: true, returnLogits: true },
        // Without them the request may find its prefix in the cache.
        ...(positions.some((position) => position < ids.length - 1) ? { promptLogprobs: vocabSize } : {}),
      });
      const { promptLogprobs = [] } = result;
      const scoresAt = (position: number): TokenScores => {
        const values = new Float32Array(vocabSize);
        for (const { token, logprob } of promptLogprobs[position].top) values[token] = logprob;
        return { values };
      };
      const last = ids.length - 1;
      const rows = positions.map((position) =>
        position === last ? { values: events[0].logits! } : scoresAt(position),
      );
      const tooMany = promptLogprobs.slice(last).map((_, i) => scoresAt(last + i));
      return { rows: [...rows, ...tooMany] };
    },
  };
}

/** Our engine with one of the judge's own bugs. Each sequence is computed in one step. */
async function withBug<T>(
  name: string,
  precision: PowerClass,
  modelDir: string,
  use: (model: SubjectModel) => Promise<T>,
): Promise<T> {
  const bug = BUGS.find((one) => one.name === name)!;
  let promptLength = 0;
  const config = await readModelConfig(modelDir);
  const faulty = bug.make({ vector: vectorsOf(modelDir), config, promptLength: () => promptLength });
  const {
    taps = {},
    rowOf = (position: number) => position,
    row = (values: Float32Array) => values,
  } = faulty;
  const all: Taps = precision === 'f32' ? taps : faultyTaps(taps);
  const open = async (dir: string): Promise<T> => {
    const kernels = tapKernels(await createWasmKernels({ threads: 1 }), await readModelConfig(dir), all);
    const size = 1024;
    const whole = { cacheTokens: size, maxBatchTokens: size, prefillChunk: size, prefixCaching: false };
    const engine = await Engine.load(dir, { ...whole, kernels });
    const rowsAt = (ids: readonly number[], positions: readonly number[]): TokenScores[] => {
      const wanted = positions.map(rowOf);
      const computed = [...new Set(wanted)].sort((a, b) => a - b);
      const { logits } = engine.forward(ids, { positions: computed });
      const width = logits.length / computed.length;
      return wanted.map((position) => {
        const at = computed.indexOf(position) * width;
        return { values: row(logits.slice(at, at + width)) };
      });
    };
    const model: SubjectModel = {
      ...engineModel(engine),
      async forward({ ids, positions }) {
        promptLength = ids.length;
        return { rows: rowsAt(ids, positions) };
      },
      async generate({ ids, maxNewTokens }) {
        promptLength = ids.length;
        const all = [...ids];
        const scores: TokenScores[] = [];
        for (let step = 0; step < maxNewTokens; step++) {
          const [scored] = rowsAt(all, [all.length - 1]);
          scores.push(scored);
          all.push(
            scored.values.reduce((best, value, id, { [best]: most }) => (value > most ? id : best), 0),
          );
        }
        return { tokens: all.slice(ids.length), scores };
      },
    };
    return closing(model, use);
  };
  return faulty.config ? withConfig(modelDir, faulty.config, open) : open(modelDir);
}
