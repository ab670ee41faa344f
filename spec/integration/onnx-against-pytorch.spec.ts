import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AutoModelForCausalLM, type PreTrainedModel, Tensor } from '@huggingface/transformers';
import test, { type ExecutionContext } from 'ava';
import { readModelConfig } from '../../engine/checkpoint/read-config.ts';
import { SafetensorsFile } from '../../engine/checkpoint/safetensors.ts';
import type { ModelConfig } from '../../engine/config.ts';
import { writeOnnxGraph } from '../../generator/onnx/write.ts';
import { largestDifference, type Outputs, run, session, values } from '../unit/generator/onnx/sessions.ts';

interface Case {
  ids: number[];
  greedy: number[];
}

/** A checkpoint in a temporary copy with its graphs, and what PyTorch computed of it. */
interface Witness {
  readonly dir: string;
  readonly config: ModelConfig;
  readonly cases: [string, Case][];
  readonly float32: (name: string) => Float32Array;
  readonly float64: (name: string) => Float64Array;
}

const SESSION_OPTIONS = {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  graphOptimizationLevel: 'basic',
} as const;

async function witness(t: ExecutionContext, name: string): Promise<Witness> {
  const dir = await mkdtemp(join(tmpdir(), 'plumbline-pytorch-'));
  t.teardown(() => rm(dir, { recursive: true }));
  await cp(fileURLToPath(new URL(`../../golden/pytorch/${name}`, import.meta.url)), dir, { recursive: true });
  const expected = SafetensorsFile.open(join(dir, 'expected.safetensors'));
  t.teardown(() => expected.close());
  const { cases } = JSON.parse(await readFile(join(dir, 'cases.json'), 'utf8'));
  return {
    dir,
    config: await readModelConfig(dir),
    cases: Object.entries(cases),
    float32: (tensor) => new Float32Array(expected.read(tensor).buffer),
    float64: (tensor) => new Float64Array(expected.read(tensor).buffer),
  };
}

async function load(t: ExecutionContext, dir: string, dtype: 'fp32' | 'q8'): Promise<PreTrainedModel> {
  const options = { dtype, device: 'cpu', local_files_only: true, session_options: SESSION_OPTIONS } as const;
  const model = await AutoModelForCausalLM.from_pretrained(dir, options);
  t.teardown(() => model.dispose());
  return model;
}

function prompt(ids: number[]): Record<string, Tensor> {
  const shape = [1, ids.length];
  return {
    input_ids: new Tensor('int64', BigInt64Array.from(ids, BigInt), shape),
    attention_mask: new Tensor('int64', new BigInt64Array(ids.length).fill(1n), shape),
  };
}

/** Hidden states of all layers in PyTorch's layout, [layers + 2, T, hidden]. */
function hiddenStates(outputs: Outputs, { numHiddenLayers }: ModelConfig): number[] {
  const names = Array.from({ length: numHiddenLayers + 1 }, (_, layer) => `hidden_states.${layer}`);
  return [...names, 'hidden_states.final'].flatMap((name) => values(outputs, name));
}

/**
 * How far a case is from PyTorch's float32, in units of what is allowed: 1e-5 and 1e-5 of the row's largest,
 * or four times PyTorch's own distance from float64 in this case.
 */
function shareOfTolerance(
  got: number[],
  expected: Float32Array,
  truth: ArrayLike<number>,
  width: number,
): number {
  const noise = 4 * largestDifference(expected, truth);
  const rows = Array.from({ length: Math.max(got.length, expected.length) / width }, (_, row) => {
    const wanted = expected.subarray(row * width, (row + 1) * width);
    const largest = wanted.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
    const difference = largestDifference(got.slice(row * width, (row + 1) * width), wanted);
    return difference / Math.max(1e-5 + 1e-5 * largest, noise);
  });
  return Math.max(...rows);
}

for (const name of ['dense', 'moe']) {
  test(`${name}: transformers.js computes PyTorch's logits and hidden states in float32`, async (t) => {
    const { dir, config, cases, float32, float64 } = await witness(t, name);
    await writeOnnxGraph({ modelDir: dir, precision: 'float32', taps: true });
    const model = await load(t, dir, 'fp32');
    const twin = await session(t, await writeOnnxGraph({ modelDir: dir, precision: 'float64', taps: true }));
    t.is(cases.length, 5);
    for (const [label, { ids }] of cases) {
      const outputs: Outputs = await model(prompt(ids));
      const truth = hiddenStates(await run(twin, { ids: [ids] }), config);
      const logits = float32(`${label}.logits`);
      const shares = {
        logits: shareOfTolerance(
          values(outputs, 'logits'),
          logits,
          float64(`${label}.logits_float64`),
          config.vocabSize,
        ),
        hidden: shareOfTolerance(
          hiddenStates(outputs, config),
          float32(`${label}.hidden_states`),
          truth,
          config.hiddenSize,
        ),
      };
      t.log(label, largestDifference(values(outputs, 'logits'), logits), shares);
      t.true(shares.logits < 1, `${name}/${label}: logits are off by ${shares.logits} of their tolerance`);
      t.true(
        shares.hidden < 1,
        `${name}/${label}: hidden states are off by ${shares.hidden} of their tolerance`,
      );
    }
  });

  test(`${name}: transformers.js generates PyTorch's 24 greedy tokens`, async (t) => {
    const { dir, cases } = await witness(t, name);
    await writeOnnxGraph({ modelDir: dir, precision: 'float32', taps: false });
    const model = await load(t, dir, 'fp32');
    for (const [label, { ids, greedy }] of cases) {
      t.is(greedy.length, 24);
      const generated = (await model.generate({
        ...prompt(ids),
        max_new_tokens: greedy.length,
        do_sample: false,
        eos_token_id: [],
      })) as Tensor;
      t.deepEqual(
        Array.from(generated.data as BigInt64Array, Number),
        [...ids, ...greedy],
        `${name}/${label}`,
      );
    }
  });

  test(`${name}: the float64 graph gives PyTorch's float64 logits to within 1e-9`, async (t) => {
    const { dir, cases, float64 } = await witness(t, name);
    const twin = await session(t, await writeOnnxGraph({ modelDir: dir, precision: 'float64', taps: false }));
    for (const [label, { ids }] of cases) {
      const outputs = await run(twin, { ids: [ids] });
      const off = largestDifference(values(outputs, 'logits'), float64(`${label}.logits_float64`));
      t.log(label, off);
      t.true(off < 1e-9, `${name}/${label}: logits are off by ${off}`);
    }
  });

  test(`${name}: the int8 graph, which transformers.js loads as q8, is outside every tolerance`, async (t) => {
    const { dir, config, cases, float32, float64 } = await witness(t, name);
    await writeOnnxGraph({ modelDir: dir, precision: 'float32', taps: false, quantization: 'int8' });
    const model = await load(t, dir, 'q8');
    for (const [label, { ids }] of cases) {
      const got = values(await model(prompt(ids)), 'logits');
      const truth = float64(`${label}.logits_float64`);
      const share = shareOfTolerance(got, float32(`${label}.logits`), truth, config.vocabSize);
      t.log(label, share);
      t.true(share > 100, `${name}/${label}: logits are off by no more than ${share} tolerances`);
    }
  });
}
