import seedrandom from 'seedrandom';

/** A request that comes at some time. */
export interface Arrival {
  /** After the first could have come. */
  atMs: number;
  ids: readonly number[];
  maxNewTokens: number;
}

export interface WorkloadOptions {
  seed: string;
  count: number;
  vocabSize: number;
  /** Shortest and longest prompt and continuation, both inclusive. */
  promptTokens: readonly [number, number];
  newTokens: readonly [number, number];
}

/** Requests that all come at once; the same for the same options. */
export function burst(options: WorkloadOptions): Arrival[] {
  const random = seedrandom.alea(options.seed);
  const between = ([low, high]: readonly [number, number]) => low + Math.floor(random() * (high - low + 1));
  return Array.from({ length: options.count }, () => ({
    atMs: 0,
    ids: prompt(between(options.promptTokens), options.vocabSize, random),
    maxNewTokens: between(options.newTokens),
  }));
}

/**
 * The requests of {@link burst} as a Poisson stream: gaps are exponential.
 * @param perSecond on average.
 */
export function poisson(options: WorkloadOptions, perSecond: number): Arrival[] {
  const random = seedrandom.alea(`${options.seed}/gaps`);
  let atMs = 0;
  return burst(options).map((request) => {
    // 1 - u lies in (0, 1], whose logarithm is finite.
    atMs -= (1000 / perSecond) * Math.log(1 - random());
    return { ...request, atMs };
  });
}

/** A prompt of its own for each seed. */
export function seededPrompt(length: number, vocabSize: number, seed: string): number[] {
  return prompt(length, vocabSize, seedrandom.alea(seed));
}

function prompt(length: number, vocabSize: number, random: () => number): number[] {
  return Array.from({ length }, () => Math.floor(random() * vocabSize));
}
