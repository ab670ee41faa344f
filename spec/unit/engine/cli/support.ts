import { EventEmitter } from 'node:events';
import { mock } from 'node:test';
import type { ExecutionContext } from 'ava';
import type { Io } from '../../../../engine/cli/io.ts';
import type { LoadOptions } from '../../../../engine/distributed/load-model.ts';
import type {
  FinishReason,
  GenerateEvent,
  GenerateRequest,
  ResultEvent,
} from '../../../../engine/serving/requests.ts';
import type { Output } from '../../../../engine/terminal/output.ts';
import { ChatTemplate } from '../../../../engine/text/chat.ts';
import type { TextStream } from '../../../../engine/text/stream.ts';
import { Tokenizer } from '../../../../engine/text/tokenizer.ts';
import { ID, modelDir, TINY_TOKENIZER_CONFIG, tinyTokenizerJson } from '../text/tiny.ts';

/** A configuration for the vocabulary of {@link tinyTokenizerJson}; no test computes its model. */
export const TINY_CONFIG = {
  model_type: 'qwen3',
  vocab_size: 304,
  hidden_size: 4,
  intermediate_size: 8,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  head_dim: 2,
  max_position_embeddings: 16,
  rms_norm_eps: 1e-6,
  rope_theta: 10000,
  tie_word_embeddings: true,
  eos_token_id: ID.end,
};

/** Renders the messages, the number of tools and whether thinking is enabled. */
export const TINY_TEMPLATE =
  '{% for m in messages %}{{ m.role[0] }}:{{ m.content }};{% endfor %}' +
  '{% if tools %}{{ tools | length }} tools;{% endif %}' +
  '{% if enable_thinking is defined %}{{ "think" if enable_thinking else "answer" }};{% endif %}' +
  '{% if add_generation_prompt %}a:{% endif %}';

/** The files of a model with a tokenizer, without weights. */
export const TEXT_MODEL: Readonly<Record<string, unknown>> = {
  'config.json': TINY_CONFIG,
  'tokenizer.json': tinyTokenizerJson(),
  'tokenizer_config.json': { ...TINY_TOKENIZER_CONFIG, chat_template: TINY_TEMPLATE },
};

/** A file with this JSON, in a folder of its own that the test removes. */
export function jsonFile(t: ExecutionContext, json: unknown): string {
  return `${modelDir(t, { 'input.json': json })}/input.json`;
}

/** A file with these lines, in a folder of its own that the test removes. */
export function linesFile(t: ExecutionContext, ...lines: unknown[]): string {
  const text = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n');
  return `${modelDir(t, { 'input.jsonl': text })}/input.jsonl`;
}

/** A running sample of a {@link FakeEngine}. */
interface FakeGeneration {
  request: GenerateRequest;
  index: number;
  sample: number;
  tokens: number[];
  stream: TextStream | undefined;
  text: string;
}

/**
 * An engine that generates a given reply and keeps the requests. Each step adds a token to all samples of at
 * most `maxBatch` requests; sample n omits the first n tokens of the reply.
 */
export class FakeEngine {
  readonly reply: readonly number[];
  readonly requests: GenerateRequest[] = [];
  /** Errors by index of the request, which fails after the others have started. */
  readonly failing = new Map<number, Error>();
  loadedWith: LoadOptions | undefined;
  closed = false;
  /** Called before each token. */
  onToken: (index: number) => void = () => {};

  constructor(reply: readonly number[] = []) {
    this.reply = reply;
  }

  /** Logits that identify id, position and column: `1000·id + 100·position + column`. */
  forward(ids: readonly number[], { hidden = false } = {}) {
    const { vocab_size, hidden_size, num_hidden_layers } = TINY_CONFIG;
    const logits = new Float32Array(ids.length * vocab_size);
    for (const [t, id] of ids.entries()) {
      for (let n = 0; n < vocab_size; n++) logits[t * vocab_size + n] = 1000 * id + 100 * t + n;
    }
    const values = Float32Array.from(
      { length: (num_hidden_layers + 2) * ids.length * hidden_size },
      (_, i) => -i,
    );
    return { logits, hidden: hidden ? values : undefined };
  }

  async *generate(
    requests: Iterable<GenerateRequest> | AsyncIterable<GenerateRequest>,
  ): AsyncGenerator<GenerateEvent, void> {
    const waiting = (requests as Iterable<GenerateRequest>)[Symbol.iterator]();
    const running = new Set<FakeGeneration>();
    let numBegun = 0;
    for (;;) {
      while (running.size < (this.loadedWith?.maxBatch ?? 16)) {
        const { done, value } = waiting.next();
        if (done) break;
        this.requests.push(value);
        for (const generation of this.#begin(value, numBegun++)) running.add(generation);
      }
      if (running.size === 0) return;
      // As in the engine, cancelled requests end at the beginning of a step.
      for (const generation of running) {
        const { request, index } = generation;
        const error = this.failing.get(index);
        if (!error && !request.signal?.aborted) continue;
        running.delete(generation);
        yield error ? { type: 'error', request: index, error } : finished(generation, 'abort');
      }
      for (const generation of running) {
        const isEnd = yield* this.#step(generation);
        if (isEnd) running.delete(generation);
      }
    }
  }

  #begin(request: GenerateRequest, index: number): FakeGeneration[] {
    return Array.from({ length: request.n ?? 1 }, (_, sample) => {
      const stream = this.loadedWith?.tokenizer?.createStream();
      return { request, index, sample, tokens: [], stream, text: '' };
    });
  }

  *#step(generation: FakeGeneration): Generator<GenerateEvent, boolean> {
    const { request, index, sample, tokens, stream } = generation;
    const rest = this.reply.slice(sample, sample + request.maxNewTokens);
    const token = rest[tokens.length];
    if (token !== undefined) {
      this.onToken(tokens.length);
      tokens.push(token);
      const isStop = token === ID.end && !request.ignoreEos;
      const text = isStop ? '' : stream?.push(token);
      generation.text += text;
      const logprobs = request.logprobs === undefined ? undefined : { token, logprob: -1, top: [] };
      yield { type: 'token', request: index, sample, token, text, logprobs, logits: undefined };
      if (!isStop && tokens.length < rest.length) return false;
    }
    yield finished(generation, token === ID.end && !request.ignoreEos ? 'stop' : 'length');
    return true;
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}

/** The result, whose text includes an unfinished character. */
function finished(
  { request, index, sample, tokens, stream, text }: FakeGeneration,
  finishReason: FinishReason,
): ResultEvent {
  const result = {
    promptTokens: request.ids.length,
    cachedTokens: 0,
    tokens,
    text: stream && text + stream.end(),
    finishReason,
    stopReason: undefined,
    fingerprint: 'f'.repeat(64),
    logprobs:
      request.logprobs === undefined ? undefined : tokens.map((token) => ({ token, logprob: -1, top: [] })),
    promptLogprobs:
      request.promptLogprobs === undefined
        ? undefined
        : request.ids.slice(1).map((token) => ({ token, logprob: -2, top: [], rank: 1 })),
    timing: { prefillMs: 1, decodeMs: 2 },
  };
  return { type: 'result', request: index, sample, result };
}

/** Keeps what is written to it. */
export class FakeOutput implements Output {
  text = '';
  isTTY = false;

  write(text: string): boolean {
    this.text += text;
    return true;
  }
}

/** What {@link fakeIo} makes. */
export interface FakeIo extends Io {
  readonly stdout: FakeOutput;
  readonly stderr: FakeOutput;
  readonly signals: EventEmitter;
  readonly engine: FakeEngine;
  /** The arguments of `resolveModel`. */
  readonly resolved: unknown[][];
  /** The reasons passed to `failJob`. */
  readonly failures: string[];
}

/** The surroundings of a command: a fake engine, the real text code, models that are local directories. */
export function fakeIo(reply?: readonly number[]): FakeIo {
  const engine = new FakeEngine(reply);
  const resolved: unknown[][] = [];
  const failures: string[] = [];
  return {
    failures,
    stdout: new FakeOutput(),
    stderr: new FakeOutput(),
    signals: new EventEmitter(),
    engine,
    resolved,
    async resolveModel(model, { onProgress, onWait: _onWait, signal: _signal, ...options }) {
      resolved.push([model, options]);
      onProgress?.('config.json', 1, 2);
      return model;
    },
    async loadEngine(_modelDir, options) {
      engine.loadedWith = options;
      options.onProgress?.(1, 2);
      return engine;
    },
    loadTokenizer: (dir) => Tokenizer.load(dir),
    loadChatTemplate: (dir) => ChatTemplate.load(dir),
    env: {},
    startServer: async () => {
      throw new RangeError('no server was expected');
    },
    failJob: async (reason) => {
      failures.push(reason);
    },
  };
}

/** A clock of which each look is 100 ms later, so that every count is drawn. For serial tests. */
export function everyCountIsDrawn(t: ExecutionContext): void {
  let now = Date.now();
  const clock = mock.method(Date, 'now', () => {
    now += 100;
    return now;
  });
  t.teardown(() => clock.mock.restore());
}

/** A terminal like Node's, 80 columns wide, that keeps what is written to it. */
export class FakeTerminal extends FakeOutput {
  override isTTY = true;
  columns: number | undefined = 80;
  readonly rows = 24;
  clearLine = () => this.write('\r');
  cursorTo = () => true;
  moveCursor = () => true;
  once = () => this;
  removeListener = () => this;
}
