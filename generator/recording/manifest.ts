import { existsSync, readFileSync } from 'node:fs';
import { cpus, platform } from 'node:os';
import { env as transformers } from '@huggingface/transformers';
import { env as onnxruntime } from 'onnxruntime-node';
import { type Manifest, SCHEMA_VERSION } from '../../golden/schema.ts';
import type { RecordableModel } from './models.ts';

/** The provenance of goldens that are recorded now, on this machine. */
export function manifestOf(
  model: Omit<RecordableModel, 'close'>,
  maxNewTokens: number,
  cases: string[],
): Manifest {
  const { vocabularySample, projections } = model.recorder.selection;
  return {
    schemaVersion: SCHEMA_VERSION,
    model: model.name,
    source: model.source,
    ...(model.graph === undefined ? {} : { graph: model.graph }),
    ...(model.seed === undefined ? {} : { seed: model.seed }),
    maxNewTokens,
    sha256: model.sha256,
    versions: {
      transformersJs: transformers.version,
      onnxruntimeNode: onnxruntime.versions.node ?? 'unknown',
    },
    recordedOn: {
      node: process.version,
      platform: `${platform()}-${process.arch}`,
      cpu: cpus()[0]?.model.trim() ?? 'unknown',
      features: cpuFeatures(),
    },
    ...(vocabularySample ? { vocabularySample } : {}),
    ...(projections ? { projections } : {}),
    cases,
  };
}

/**
 * The CPU's vector extensions, by which ONNX Runtime chooses its kernels; none if the system does not list
 * them.
 *
 * @param path of Linux's list: `flags` on x86, `Features` on ARM.
 */
export function cpuFeatures(path = '/proc/cpuinfo'): string[] {
  if (!existsSync(path)) return [];
  const flags = /^(?:flags|Features)\s*:(.*)$/m.exec(readFileSync(path, 'utf8'))?.[1].split(/\s+/) ?? [];
  return flags.filter((flag) => /^(avx|fma|amx|sve|asimd|sse4)/.test(flag)).sort();
}
