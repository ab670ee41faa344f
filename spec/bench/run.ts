import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { countParameters } from '../../engine/checkpoint/parameters.ts';
import { readModelConfig } from '../../engine/checkpoint/read-config.ts';
import { COMPUTED_FILES, TEXT_FILES } from '../../engine/cli/model-option.ts';
import { resolveModel } from '../../engine/hub/resolve-model.ts';
import { FIXTURES } from '../../generator/fixtures/fixture-specs.ts';
import { ensureFixtureGraphs } from '../../generator/recording/graphs.ts';
import type { BenchContext, SuiteResult } from './context.ts';
import { type Figure, type Skipped, SUITES, type SuiteName, toFigures } from './figure.ts';
import { LimitMeter } from './limits/limits.ts';
import { describeMachine, type Machine } from './machine.ts';
import type { Profile } from './profile.ts';
import { kernels } from './suites/kernels.ts';
import { latency } from './suites/latency.ts';
import { memory } from './suites/memory.ts';
import { parallel } from './suites/parallel.ts';
import { serve } from './suites/serve.ts';
import { serving } from './suites/serving.ts';
import { throughput } from './suites/throughput.ts';
import type { MachineLimits } from './work.ts';

const SUITE_OF: Readonly<Record<SuiteName, (context: BenchContext) => Promise<SuiteResult>>> = {
  kernels,
  latency,
  throughput,
  memory,
  serving,
  serve,
  parallel,
};

/** Measurements of the limits at most, as of everything else; the best of them is the limit. */
const LIMIT_ROUNDS = 5;

/** What is to be measured. */
export interface BenchOptions {
  profile: Profile;
  suites: readonly SuiteName[];
  /** A fixture, a model directory or a hub id. */
  model: string;
  threads: number;
  revectorize: boolean;
  subjects: readonly string[];
  llamaDir?: string;
  report(text: string): void;
}

/** All that a run found; what is written as JSON. */
export interface BenchReport {
  date: string;
  seconds: number;
  profile: Profile;
  model: { name: string; parameters: number };
  threads: number;
  machine: Machine;
  /** Arithmetic in vectors of the width that our kernels have here: 128 bits, or 256. */
  limits: MachineLimits & { vectorBits: number };
  /** Of the subjects that took part, by their ids. */
  versions: Record<string, string>;
  figures: Figure[];
  skipped: Skipped[];
}

/** Runs suites one after the other. @throws PlumblineError, RangeError if there is no such model. */
export async function runBench(options: BenchOptions): Promise<BenchReport> {
  const { profile, threads, report } = options;
  const machine = describeMachine();
  const begin = performance.now();
  report(`finding ${options.model}`);
  const modelDir = await findModel(options.model);
  const config = await readModelConfig(modelDir);
  report('measuring the limits of the machine');
  const limits = await measureLimits(options);
  const versions = new Map<string, string>();
  const context = { ...options, modelDir, config, limits, versions };
  const figures: Figure[] = [];
  const skipped: Skipped[] = [];
  for (const suite of SUITES.filter((name) => options.suites.includes(name))) {
    const result = await SUITE_OF[suite](context);
    figures.push(...toFigures(suite, result.measurements));
    skipped.push(...result.skipped.map((skip) => ({ suite, ...skip })));
  }
  return {
    date: new Date().toISOString(),
    seconds: (performance.now() - begin) / 1000,
    profile,
    model: { name: options.model, parameters: countParameters(config).total },
    threads,
    machine,
    limits,
    versions: Object.fromEntries(versions),
    figures,
    skipped,
  };
}

/** A directory is taken as it is; one without our graphs leaves out the peers that run them. */
async function findModel(model: string): Promise<string> {
  if (Object.hasOwn(FIXTURES, model)) return await ensureFixtureGraphs(model);
  if (existsSync(join(model, 'config.json'))) return model;
  const files = [...COMPUTED_FILES.files];
  const optional = [...COMPUTED_FILES.optional, ...TEXT_FILES.files];
  return await resolveModel(model, { files, optional, weights: true });
}

async function measureLimits({
  threads,
  revectorize,
  profile,
}: BenchOptions): Promise<BenchReport['limits']> {
  const { kernels, rounds } = profile;
  const meter = await LimitMeter.start({ threads, revectorize, bytes: kernels.bytes });
  try {
    const measured: MachineLimits[] = [];
    for (let round = 0; round < Math.min(rounds, LIMIT_ROUNDS); round++) {
      measured.push(await meter.measure());
    }
    return {
      bytesPerSecond: Math.max(...measured.map(({ bytesPerSecond }) => bytesPerSecond)),
      flopsPerSecond: Math.max(...measured.map(({ flopsPerSecond }) => flopsPerSecond)),
      vectorBits: meter.vectorBits,
    };
  } finally {
    await meter.close();
  }
}
