/** How much is measured. */
export interface Profile {
  name: 'quick' | 'full';
  /** The model unless the user names one. */
  model: string;
  /** Each task of each subject is measured so often, unless that takes longer than `maxTaskMs`. */
  rounds: number;
  maxTaskMs: number;
  latency: {
    /** Of the prompts whose prefill is measured, each alone. */
    prefillTokens: readonly number[];
    batches: readonly number[];
    promptTokens: number;
    newTokens: number;
  };
  throughput: {
    requests: number;
    promptTokens: readonly [number, number];
    newTokens: readonly [number, number];
    /** Of the Poisson stream. */
    perSecond: number;
  };
  memory: {
    /** Positions of the caches that are compared, each filled by a prompt; the peers get the middle one. */
    cacheTokens: readonly number[];
    newTokens: number;
  };
  kernels: {
    /** Of the matrix that is read once for each product, and of what the limit is measured on. */
    bytes: number;
    /** How long one measurement takes at least. */
    minMs: number;
  };
  serving: {
    batches: readonly number[];
    prefixTokens: number;
    newTokens: number;
    /** Of the texts that are continued with and without drafts of at most `draftTokens`. */
    lookup: { draftTokens: number; newTokens: number };
  };
  serve: {
    /** Each sends a request when its last one is answered. */
    clients: readonly number[];
    requestsPerClient: number;
    /** Of all clients together: a figure of fewer tokens varies by a tenth. */
    minRequests: number;
    promptTokens: number;
    newTokens: number;
  };
  parallel: {
    /** Bytes that each rank brings to a collective: few, for its latency, and many, for its bandwidth. */
    shortBytes: readonly number[];
    longBytes: readonly number[];
    batches: readonly number[];
    prefillTokens: number;
    promptTokens: number;
    newTokens: number;
  };
}

/** Rows of Qwen3-0.6B's hidden states: one sequence, eight, a chunk of a prompt, and far more. */
const COLLECTIVE_BYTES = { shortBytes: [4096, 32_768], longBytes: [524_288, 4_194_304] };

/** On a small model with a real vocabulary: whether something is off, in under two minutes. */
export const QUICK: Profile = {
  name: 'quick',
  model: 'dense-bf16',
  rounds: 5,
  maxTaskMs: 2500,
  latency: { prefillTokens: [512], batches: [1, 2, 4, 8], promptTokens: 32, newTokens: 16 },
  throughput: { requests: 16, promptTokens: [8, 64], newTokens: [4, 16], perSecond: 20 },
  memory: { cacheTokens: [256, 1024, 4096], newTokens: 8 },
  kernels: { bytes: 2 ** 26, minMs: 20 },
  serving: {
    ...{ batches: [1, 2, 4, 8, 16], prefixTokens: 512, newTokens: 16 },
    lookup: { draftTokens: 7, newTokens: 128 },
  },
  serve: { clients: [1, 8, 32], requestsPerClient: 3, minRequests: 3, promptTokens: 16, newTokens: 16 },
  parallel: { ...COLLECTIVE_BYTES, batches: [1, 8], prefillTokens: 512, promptTokens: 32, newTokens: 16 },
};

/** On a model of the size that the engine is made for, in under twenty minutes. */
export const FULL: Profile = {
  name: 'full',
  model: 'qwen3-0.6b-shape',
  rounds: 5,
  maxTaskMs: 12_000,
  latency: { prefillTokens: [512, 2048], batches: [1, 2, 4, 8], promptTokens: 32, newTokens: 8 },
  throughput: { requests: 8, promptTokens: [16, 64], newTokens: [8, 24], perSecond: 1 },
  memory: { cacheTokens: [128, 512, 1024], newTokens: 8 },
  // As large as the head of Qwen3-0.6B.
  kernels: { bytes: 2 * 151936 * 1024, minMs: 50 },
  serving: {
    ...{ batches: [1, 2, 4, 8, 16], prefixTokens: 512, newTokens: 8 },
    lookup: { draftTokens: 7, newTokens: 64 },
  },
  serve: { clients: [1, 8, 32], requestsPerClient: 2, minRequests: 8, promptTokens: 16, newTokens: 16 },
  parallel: { ...COLLECTIVE_BYTES, batches: [1, 8], prefillTokens: 512, promptTokens: 32, newTokens: 8 },
};
