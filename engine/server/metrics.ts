import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { EngineStats } from '../serving/requests.ts';

/** Where values are read from when the metrics are asked for. */
export interface MetricSources {
  stats(): EngineStats;
  /** Sequences that wait or are computed. */
  numOpen(): number;
}

/** Bounds of the latencies: a tiny model takes a millisecond, a long prompt on a CPU minutes. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250];

/** The names are vLLM's after another prefix; those that end in `_total` only grow. */
const READ_METRICS: Readonly<Record<string, [help: string, read: (stats: EngineStats) => number]>> = {
  num_requests_running: ['sequences that are computed', ({ running }) => running],
  kv_cache_usage_perc: [
    'blocks of the cache in use, as a share from 0 to 1',
    ({ blocks }) => 1 - blocks.free / blocks.total,
  ],
  num_preemptions_total: ['sequences whose blocks were given to others', ({ preemptions }) => preemptions],
  prefix_cache_queries_total: ['prompts looked up in the cache', ({ prefixCache }) => prefixCache.queries],
  prefix_cache_hits_total: ['prompts whose beginning was cached', ({ prefixCache }) => prefixCache.hits],
  prefix_cache_saved_tokens_total: [
    'tokens found in the cache',
    ({ prefixCache }) => prefixCache.savedTokens,
  ],
  prefix_cache_evictions_total: ['cached blocks that were overwritten', ({ blocks }) => blocks.evictions],
  spec_decode_num_draft_tokens_total: [
    'tokens drafted by prompt lookup',
    ({ promptLookup }) => promptLookup.drafted,
  ],
  spec_decode_num_accepted_tokens_total: [
    'drafted tokens that were what the request chose',
    ({ promptLookup }) => promptLookup.accepted,
  ],
  engine_steps_total: ['computed steps', ({ steps }) => steps],
  engine_tokens_total: [
    'computed rows, of prompts, of generated tokens and of drafts',
    ({ tokens }) => tokens,
  ],
};

/** The server's metrics for Prometheus. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #requests: Counter<'route' | 'status'>;
  readonly #finished: Counter<'finished_reason'>;
  readonly #promptTokens: Counter;
  readonly #generationTokens: Counter;
  readonly #firstToken: Histogram;
  readonly #betweenTokens: Histogram;
  readonly #whole: Histogram;

  constructor(sources: MetricSources) {
    const registers = [this.#registry];
    const named = (name: string, help: string) => ({ name: `plumbline_${name}`, help, registers });
    const seconds = (name: string, help: string) =>
      new Histogram({ ...named(`${name}_seconds`, help), buckets: SECONDS });
    for (const [name, [help, read]] of Object.entries(READ_METRICS)) {
      addRead(named(name, help), () => read(sources.stats()));
    }
    addRead(named('num_requests_waiting', 'sequences that wait'), () =>
      Math.max(0, sources.numOpen() - sources.stats().running),
    );
    this.#requests = new Counter({
      ...named('http_requests_total', 'answered requests'),
      labelNames: ['route', 'status'],
    });
    this.#finished = new Counter({
      ...named('request_success_total', 'samples that came to their end'),
      labelNames: ['finished_reason'],
    });
    this.#promptTokens = new Counter(named('prompt_tokens_total', 'tokens of prompts'));
    this.#generationTokens = new Counter(
      named('generation_tokens_total', 'generated tokens; of a whole answer, when it is sent'),
    );
    this.#firstToken = seconds('time_to_first_token', 'from a request to its first token');
    this.#betweenTokens = seconds(
      'inter_token_latency',
      'from a token of a sample to its next; the mean of a whole answer',
    );
    this.#whole = seconds('e2e_request_latency', 'from a request to the end of its last sample');
  }

  /** The content type of the text that {@link read} returns. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** All metrics in the text format of Prometheus. */
  async read(): Promise<string> {
    return await this.#registry.metrics();
  }

  /** @param route as it is registered: paths that clients make up would be endlessly many. */
  countRequest(route: string, status: number | 'left'): void {
    this.#requests.inc({ route, status });
  }

  countPrompt(numTokens: number): void {
    this.#promptTokens.inc(numTokens);
  }

  /** @param ms since the request, for the first token of a sample, or else since the token before. */
  countToken(ms: number, isFirst: boolean): void {
    this.#generationTokens.inc();
    (isFirst ? this.#firstToken : this.#betweenTokens).observe(ms / 1000);
  }

  countSample(finishReason: string): void {
    this.#finished.inc({ finished_reason: finishReason });
  }

  /** @param ms from the request to its end. */
  countEnd(ms: number): void {
    this.#whole.observe(ms / 1000);
  }
}

/** Adds a metric whose value is read when it is asked for. */
function addRead(options: { name: string; help: string; registers: Registry[] }, read: () => number): void {
  if (!options.name.endsWith('_total')) {
    new Gauge({
      ...options,
      collect() {
        this.set(read());
      },
    });
    return;
  }
  new Counter({
    ...options,
    collect() {
      this.reset();
      this.inc(read());
    },
  });
}
