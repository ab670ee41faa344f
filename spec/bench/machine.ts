import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';

/** Where a run took place. */
export interface Machine {
  cpu: string;
  cores: number;
  /** Of the CPU's features those that matter to arithmetic; empty where the system does not list them. */
  features: string[];
  memoryBytes: number;
  system: string;
  node: string;
  v8: string;
  /** What Node was started with. */
  nodeFlags: string[];
  /** Processes that wanted to run in the minute before, on average: a busy machine measures badly. */
  loadBefore: number;
}

const FEATURES = /^(sse4_2|avx|avx2|fma|f16c|avx512\w*|avx_vnni|amx_\w+|asimd\w*|sve\w*|bf16|i8mm)$/;

export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    features: cpuFeatures(),
    memoryBytes: totalmem(),
    system: `${process.platform} ${process.arch} ${release()}`,
    node: process.version,
    v8: process.versions.v8,
    nodeFlags: [...process.execArgv, ...(process.env.NODE_OPTIONS ? [process.env.NODE_OPTIONS] : [])],
    loadBefore: loadavg()[0],
  };
}

/** Linux lists them as `flags` or, on ARM, `Features`. */
function cpuFeatures(): string[] {
  if (process.platform !== 'linux') return [];
  const [, list = ''] = /^(?:flags|Features)\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8')) ?? [];
  return list
    .trim()
    .split(/\s+/)
    .filter((feature) => FEATURES.test(feature));
}
