import { EventEmitter } from 'node:events';
import type { ExecutionContext } from 'ava';
import type { Io, Output } from '../../../../engine/cli/io.ts';
import type { EngineOptions, FinishReason, GenerateRequest } from '../../../../engine/requests.ts';
import { ChatTemplate } from '../../../../engine/text/chat.ts';
import { Tokenizer } from '../../../../engine/text/tokenizer.ts';
import { ID, modelDir, TINY_TOKENIZER_CONFIG, tinyTokenizerJson } from '../text/tiny.ts';

/** A configuration of the vocabulary of {@link tinyTokenizerJson}, whose model nobody needs to compute. */
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

/** Says what was said, and how it was asked to think. */
export const TINY_TEMPLATE =
  '{% for m in messages %}{{ m.role[0] }}:{{ m.content }};{% endfor %}' +
  '{% if tools %}{{ tools | length }} tools;{% endif %}' +
  '{% if enable_thinking is defined %}{{ "think" if enable_thinking else "answer" }};{% endif %}' +
  '{% if add_generation_prompt %}a:{% endif %}';

/** The files of a model that text can be given to, but for its weights. */
export const TEXT_MODEL: Readonly<Record<string, unknown>> = {
  'config.json': TINY_CONFIG,
  'tokenizer.json': tinyTokenizerJson(),
  'tokenizer_config.json': { ...TINY_TOKENIZER_CONFIG, chat_template: TINY_TEMPLATE },
};

/** A file with this JSON, in a folder of its own that the test removes. */
export function jsonFile(t: ExecutionContext, json: unknown): string {
  return `${modelDir(t, { 'input.json': json })}/input.json`;
}

/** An engine that replies what it is told to, and remembers what was asked of it. */
export class FakeEngine {
  readonly reply: readonly number[];
  readonly requests: GenerateRequest[] = [];
  loadedWith: EngineOptions | undefined;
  closed = false;
  /** Called before each token. */
  onToken: (index: number) => void = () => {};

  constructor(reply: readonly number[] = []) {
    this.reply = reply;
  }

  /** Logits that tell id, position and place: `1000·id + 100·position + index in the vocabulary`. */
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

  async *generate(request: GenerateRequest) {
    this.requests.push(request);
    const { ids, maxNewTokens, ignoreEos, signal } = request;
    const tokens: number[] = [];
    let finishReason: FinishReason = 'length';
    for (const token of this.reply.slice(0, maxNewTokens)) {
      this.onToken(tokens.length);
      tokens.push(token);
      yield { token, logits: new Float32Array() };
      if (token === ID.end && !ignoreEos) finishReason = 'stop';
      else if (signal?.aborted) finishReason = 'abort';
      if (finishReason !== 'length') break;
    }
    const timing = { prefillMs: 1, decodeMs: 2 };
    return { promptTokens: ids.length, tokens, finishReason, fingerprint: 'f'.repeat(64), timing };
  }

  close(): void {
    this.closed = true;
  }
}

/** Keeps what is written to it. */
export class FakeOutput implements Output {
  text = '';
  readonly isTTY: boolean = false;

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
  /** What `resolveModel` was asked for. */
  readonly resolved: unknown[][];
}

/** The world of a command: a fake engine, the real text code, models that are where they are said to be. */
export function fakeIo(reply?: readonly number[]): FakeIo {
  const engine = new FakeEngine(reply);
  const resolved: unknown[][] = [];
  return {
    stdout: new FakeOutput(),
    stderr: new FakeOutput(),
    signals: new EventEmitter(),
    engine,
    resolved,
    async resolveModel(model, { onProgress, signal: _, ...options }) {
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
  };
}

/** A terminal as Node has them, 80 wide, that keeps what is written to it. */
export class FakeTerminal extends FakeOutput {
  override readonly isTTY = true;
  columns: number | undefined = 80;
  readonly rows = 24;
  clearLine = () => this.write('\r');
  cursorTo = () => true;
  moveCursor = () => true;
  once = () => this;
  removeListener = () => this;
}
