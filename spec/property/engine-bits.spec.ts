import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import type { WeightDtype } from '../../engine/config.ts';
import type { LoadOptions } from '../../engine/distributed/load-model.ts';
import { Engine } from '../../engine/engine.ts';
import { createScalarKernels } from '../../engine/kernels/scalar.ts';
import { createWasmKernels } from '../../engine/kernels/wasm.ts';
import { generateOne } from '../../verify/generate.ts';
import type { OracleWeight } from '../../verify/oracle/weights.ts';
import { temporaryFolder, trackResources } from '../support/processes/cleanup.ts';
import { modelAndPrompts, type TinyModel, writeModelDirectory } from '../support/properties/arbitraries.ts';
import { bitDifference, forwardDifference } from '../unit/engine/kernels/same-bits.ts';

trackResources(test);

const MAX_PROMPT = 12;
const NEW_TOKENS = 4;
const RUN = { seed: 20261122, numRuns: 16 };

/** Everything that an engine returns for a prompt. */
interface Computed {
  logits: Float32Array;
  hidden: Float32Array;
  tokens: number[];
  /** Of each token, one after the other. */
  tokenLogits: Float32Array;
  fingerprint: string;
}

async function withEngine<T>(dir: string, options: LoadOptions, use: (engine: Engine) => Promise<T>) {
  const kernels = options.kernels ?? (await createWasmKernels({ maxBytes: 2 ** 24 }));
  // What was computed before would be found, and not computed again.
  const engine = await Engine.load(dir, { cacheTokens: 64, prefixCaching: false, ...options, kernels });
  try {
    return await use(engine);
  } finally {
    engine.close();
  }
}

async function generate(engine: Engine, ids: number[]) {
  const request = { ids, maxNewTokens: NEW_TOKENS, ignoreEos: true, returnLogits: true };
  const { result, events } = await generateOne(engine, request);
  return { ...result, tokenLogits: Float32Array.from(events.flatMap(({ logits }) => [...logits!])) };
}

function compute(dir: string, options: LoadOptions, ids: number[]): Promise<Computed> {
  return withEngine(dir, options, async (engine) => {
    const { logits, hidden } = engine.forward(ids, { hidden: true });
    return { ...(await generate(engine, ids)), logits, hidden: hidden! };
  });
}

function requireBits(what: string, actual: Float32Array, expected: Float32Array): void {
  const difference = bitDifference(actual, expected);
  if (difference !== undefined) throw new Error(`${what} differ ${difference}`);
}

function requireSame({ config }: TinyModel, actual: Computed, expected: Computed): void {
  const difference =
    forwardDifference(config, actual, expected) ??
    bitDifference(actual.tokenLogits, expected.tokenLogits, (at) => {
      return `logits of token ${Math.floor(at / config.vocabSize)}, index ${at % config.vocabSize}`;
    });
  if (difference !== undefined) throw new Error(difference);
  for (const key of ['tokens', 'fingerprint'] as const) {
    const [got, wanted] = [actual, expected].map((each) => String(each[key]));
    if (got !== wanted) throw new Error(`${key}: got ${got}, expected ${wanted}`);
  }
}

interface Case<T> {
  /** The directory of the model. */
  dir: string;
  model: TinyModel;
  prompts: number[][];
  drawn: T;
}

/**
 * Checks a property of random models, each written to a directory, of prompts for it, and of what else is
 * drawn.
 */
async function check<T>(
  t: ExecutionContext,
  drawn: (model: TinyModel) => fc.Arbitrary<T>,
  property: (c: Case<T>) => Promise<void>,
  count = 1,
): Promise<void> {
  const dir = temporaryFolder(t);
  const cases = modelAndPrompts({ maxLayers: 2 }, { count, maxLength: MAX_PROMPT }).chain(
    ({ model, prompts }) =>
      fc.record({ model: fc.constant(model), prompts: fc.constant(prompts), drawn: drawn(model) }),
  );
  const run = async (c: Omit<Case<T>, 'dir'>) => {
    writeModelDirectory(dir, c.model);
    await property({ dir, ...c });
  };
  await fc.assert(fc.asyncProperty(cases, run), RUN);
  t.pass();
}

test('a prompt in chunks of any size gives the bits that it gives as a whole', async (t) => {
  const chunk = () => fc.integer({ min: 1, max: MAX_PROMPT });
  await check(t, chunk, async ({ dir, model, prompts: [ids], drawn: prefillChunk }) => {
    requireSame(model, await compute(dir, { prefillChunk }, ids), await compute(dir, {}, ids));
  });
});

test('a cache of any size, in blocks of any size, gives the same bits', async (t) => {
  const sizes = () =>
    fc.record({
      blockSize: fc.constantFrom(1, 2, 3, 16, 64),
      cacheTokens: fc.integer({ min: MAX_PROMPT + NEW_TOKENS, max: 200 }),
    });
  await check(t, sizes, async ({ dir, model, prompts: [ids], drawn }) => {
    requireSame(model, await compute(dir, drawn, ids), await compute(dir, {}, ids));
  });
});

test('the scalar kernels give the bits of the SIMD kernels through the whole engine', async (t) => {
  await check(
    t,
    () => fc.constant(undefined),
    async ({ dir, model, prompts: [ids] }) => {
      requireSame(
        model,
        await compute(dir, { kernels: createScalarKernels() }, ids),
        await compute(dir, {}, ids),
      );
    },
  );
});

test('the logits of each generated token are those of one pass over the whole sequence', async (t) => {
  await check(
    t,
    () => fc.constant(undefined),
    async ({ dir, prompts: [ids] }) => {
      await withEngine(dir, {}, async (engine) => {
        const { tokens, tokenLogits } = await generate(engine, ids);
        const positions = tokens.map((_, step) => ids.length - 1 + step);
        const { logits } = engine.forward([...ids, ...tokens.slice(0, -1)], { positions });
        requireBits('logits', tokenLogits, logits);
      });
    },
  );
});

test('later tokens of a sequence change no bit of earlier positions', async (t) => {
  await check(
    t,
    () => fc.nat(),
    async ({ dir, model, prompts: [ids], drawn }) => {
      const { vocabSize } = model.config;
      const length = 1 + (drawn % ids.length);
      await withEngine(dir, {}, async (engine) => {
        const whole = engine.forward(ids).logits;
        const prefix = engine.forward(ids.slice(0, length)).logits;
        requireBits('logits', prefix, whole.slice(0, length * vocabSize));
      });
    },
  );
});

test('concurrent requests on one engine give the same bits as alone', async (t) => {
  const chunk = () => fc.integer({ min: 1, max: 4 });
  await check(
    t,
    chunk,
    async ({ dir, prompts, drawn: prefillChunk }) => {
      await withEngine(dir, { prefillChunk, blockSize: 2 }, async (engine) => {
        const together = await Promise.all(prompts.map((ids) => generate(engine, ids)));
        for (const [i, ids] of prompts.entries()) {
          const alone = await generate(engine, ids);
          requireBits(`logits of prompt ${i}`, together[i].tokenLogits, alone.tokenLogits);
        }
      });
    },
    3,
  );
});

/** The smallest magnitude that a dtype stores with its full precision. */
const SMALLEST_NORMAL: Record<WeightDtype, number> = { F32: 2 ** -126, F16: 2 ** -14, BF16: 2 ** -126 };

/** The same model with each weight replaced by what `change` returns for it. */
function changed(model: TinyModel, change: (name: string, weight: OracleWeight) => Float64Array): TinyModel {
  const weights = [...model.weights].map(
    ([name, weight]) => [name, { shape: weight.shape, data: change(name, weight) }] as const,
  );
  return { ...model, weights: new Map(weights) };
}

for (const [up, down] of [
  ['v_proj', 'o_proj'],
  ['up_proj', 'down_proj'],
]) {
  test(`${up} times a power of two and ${down} divided by it change no bit`, async (t) => {
    const exponent = () => fc.constantFrom(-3, -1, 1, 2, 4);
    await check(t, exponent, async ({ dir, model, prompts: [ids], drawn }) => {
      const exponentOf = (name: string) =>
        name.endsWith(`.${up}.weight`) ? drawn : name.endsWith(`.${down}.weight`) ? -drawn : 0;
      // Values that would become subnormal, and lose bits, are set to 0 beforehand.
      const least = SMALLEST_NORMAL[model.dtype];
      const before = changed(model, (name, { data }) =>
        data.map((w) => (exponentOf(name) && Math.abs(w) * 2 ** -Math.abs(drawn) < least ? 0 : w)),
      );
      const after = changed(before, (name, { data }) => data.map((w) => w * 2 ** exponentOf(name)));
      writeModelDirectory(dir, before);
      const expected = await compute(dir, {}, ids);
      writeModelDirectory(dir, after);
      requireSame(model, await compute(dir, {}, ids), expected);
    });
  });
}

test('a permutation of the vocabulary permutes the logits and changes no bit', async (t) => {
  const permutation = ({ config: { vocabSize } }: TinyModel) => {
    const all = [...Array(vocabSize).keys()];
    return fc.shuffledSubarray(all, { minLength: vocabSize, maxLength: vocabSize });
  };
  await check(t, permutation, async ({ dir, model, prompts: [ids], drawn: newIds }) => {
    const { vocabSize, hiddenSize } = model.config;
    const permuted = changed(model, (name, { data }) => {
      if (!/^(model\.embed_tokens|lm_head)\./.test(name)) return data;
      const rows = new Float64Array(data.length);
      newIds.forEach((newId, id) => {
        rows.set(data.subarray(id * hiddenSize, (id + 1) * hiddenSize), newId * hiddenSize);
      });
      return rows;
    });
    const before = await withEngine(dir, {}, async (engine) => engine.forward(ids).logits);
    const expected = new Float32Array(before.length);
    before.forEach((logit, i) => {
      expected[i - (i % vocabSize) + newIds[i % vocabSize]] = logit;
    });
    writeModelDirectory(dir, permuted);
    const newPrompt = ids.map((id) => newIds[id]);
    await withEngine(dir, {}, async (engine) => {
      requireBits('logits', engine.forward(newPrompt).logits, expected);
    });
  });
});
