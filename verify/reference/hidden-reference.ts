import { existsSync } from 'node:fs';
import { SafetensorsFile } from '../../engine/checkpoint/safetensors.ts';
import { type TensorData, writeSafetensors } from '../../engine/checkpoint/safetensors-writer.ts';
import type { ModelConfig } from '../../engine/index.ts';
import { rms } from '../judge/statistics.ts';
import { keep } from '../kept/keep.ts';
import { keptPath } from '../kept/kept-path.ts';
import type { PrecisionClass } from '../precision.ts';
import { hiddenStateNames } from '../witnesses.ts';
import { IMITATIONS } from './imitations.ts';
import type { RowsCase } from './rows.ts';
import type { Taps } from './tapped-kernels.ts';
import { TappedModel } from './tapped-model.ts';

/** What is right about the hidden states of one case. */
export interface HiddenRows {
  /** f32 [stages, positions, hiddenSize], by our engine at f32. */
  readonly truth: Float32Array;
  /** f32 [stages, positions]: RMS over hidden size and imitations of the class. */
  readonly noise: Float32Array;
}

export interface HiddenReferenceOptions {
  readonly config: Pick<ModelConfig, 'numHiddenLayers' | 'hiddenSize'>;
  /** The class whose noise is measured, by the imitations of particular engines. */
  readonly precision: PrecisionClass;
  /** Where results are kept. Default: the project's cache. */
  readonly folder?: string;
  readonly signal?: AbortSignal;
  /** Called with what takes long and is done next; not called if the states were kept. */
  readonly onProgress?: (what: string) => void;
}

/**
 * Hidden states of our engine and their noise, computed once and kept, see {@link keptPath}.
 *
 * @returns by case.
 * @throws what `Engine.load` and `Engine.forward` throw; the reason of `signal` if it is aborted.
 */
export async function loadHiddenReference(
  modelDir: string,
  cases: readonly RowsCase[],
  options: HiddenReferenceOptions,
): Promise<ReadonlyMap<string, HiddenRows>> {
  const { config, precision, folder, signal, onProgress = () => {} } = options;
  const question = { hidden: precision, cases };
  const path = await keptPath({
    ...{ modelDir, question, extension: '.safetensors', folder, signal },
    onRead: (file) => onProgress(`hash of ${file}`),
  });
  if (existsSync(path)) return readHidden(path, cases);
  onProgress(`hidden states, and their noise at ${precision}`);
  const computed = await compute(modelDir, cases, { precision, signal, stages: hiddenStateNames(config) });
  keep(path, () => writeHidden(path, computed, config.hiddenSize));
  return computed;
}

async function compute(
  modelDir: string,
  cases: readonly RowsCase[],
  { stages, precision, signal }: { stages: string[]; precision: PrecisionClass; signal?: AbortSignal },
): Promise<ReadonlyMap<string, HiddenRows>> {
  const statesOf = async <T>(taps: Taps, take: (states: Float32Array, next: RowsCase) => T) => {
    const model = await TappedModel.load(modelDir, cases, { weights: taps.weights });
    try {
      return await model.states(cases, stages, take, { taps, signal });
    } finally {
      await model.close();
    }
  };
  const truth = await statesOf({}, (states) => states);
  const imitated: ReadonlyMap<string, Float64Array>[] = [];
  for (const { taps: make } of IMITATIONS.filter((one) => one.precision === precision && !one.isDraw)) {
    const errorsOf = (states: Float32Array, { id, positions }: RowsCase) =>
      rowRms(states, truth.get(id)!, states.length / (stages.length * positions.length));
    imitated.push(await statesOf(make(), errorsOf));
  }
  return new Map(
    cases.map(({ id, positions }) => {
      const count = stages.length * positions.length;
      const noise = Float32Array.from({ length: count }, (_, r) => rms(imitated.map((of) => of.get(id)![r])));
      return [id, { truth: truth.get(id)!, noise }];
    }),
  );
}

/** RMS of each row of `a − b`, f64 [rows]. @param b default: zeros */
export function rowRms(a: Float32Array, b: Float32Array | undefined, width: number): Float64Array {
  return Float64Array.from({ length: a.length / width }, (_, row) => {
    let sum = 0;
    for (let i = row * width; i < (row + 1) * width; i++) sum += (a[i] - (b ? b[i] : 0)) ** 2;
    return Math.sqrt(sum / width);
  });
}

function writeHidden(path: string, cases: ReadonlyMap<string, HiddenRows>, hiddenSize: number): void {
  const tensors = new Map<string, TensorData>();
  for (const [id, { truth, noise }] of cases) {
    tensors.set(`${id}.truth`, { dtype: 'F32', shape: [noise.length, hiddenSize], data: truth });
    tensors.set(`${id}.noise`, { dtype: 'F32', shape: [noise.length], data: noise });
  }
  writeSafetensors(path, tensors);
}

function readHidden(path: string, cases: readonly RowsCase[]): ReadonlyMap<string, HiddenRows> {
  const file = SafetensorsFile.open(path);
  try {
    const read = (name: string) => new Float32Array(file.read(name).slice().buffer as ArrayBuffer);
    return new Map(cases.map(({ id }) => [id, { truth: read(`${id}.truth`), noise: read(`${id}.noise`) }]));
  } finally {
    file.close();
  }
}
