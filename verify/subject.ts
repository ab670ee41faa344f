import type { PrecisionClass } from './precision.ts';

/** Scores of the next token at one position. */
export interface TokenScores {
  /**
   * i32 [n], the tokens that `values` belongs to, in any order. Absent: `values` covers the whole vocabulary
   * in order of ids.
   */
  readonly ids?: Int32Array;
  /** f32 [n], logits or natural log-probabilities; they may differ from logits by one constant per row. */
  readonly values: Float32Array;
}

/** What an engine says of itself. */
export interface SubjectInfo {
  readonly name: string;
  readonly version?: string;
  readonly language?: string;
  /** Where its faults are reported. */
  readonly issues?: string;
}

/** What an engine can be asked for. */
export interface Capabilities {
  /** `all`: rows over the whole vocabulary; `top`: the likeliest N; `none`: tokens only. */
  readonly scores: 'all' | 'top' | 'none';
  readonly hidden: boolean;
  readonly tokenize: boolean;
  readonly chat: boolean;
  /** Requests that it answers at once, 1 or more. */
  readonly maxConcurrency: number;
  /** Whether a continuation can be asked for as it comes, token by token. Default false. */
  readonly stream?: boolean;
  /** What it says it computes in. */
  readonly precision?: PrecisionClass;
}

/** A forward pass over a prompt. */
export interface ForwardRequest {
  readonly ids: readonly number[];
  /** Positions of the prompt whose scores are wanted, ascending. */
  readonly positions: readonly number[];
  /** Return the hidden states too. Default false. */
  readonly hidden?: boolean;
  readonly signal?: AbortSignal;
}

/** A position that an engine cannot be asked for. */
export interface UnreachedPosition {
  readonly position: number;
  readonly why: string;
}

export interface ForwardAnswer {
  /** One for each position, without those of `unreached`. */
  readonly rows: readonly TokenScores[];
  /** Ascending positions that were asked for and have no row. Default: none. */
  readonly unreached?: readonly UnreachedPosition[];
  /**
   * f32 [numHiddenLayers + 2, T, hiddenSize], if asked for and given: the embedding, each layer's output
   * before the final norm, and the output of the final norm.
   */
  readonly hidden?: Float32Array;
}

/** A greedy continuation, not ended by any token. */
export interface GreedyRequest {
  readonly ids: readonly number[];
  readonly maxNewTokens: number;
  /** Have the tokens sent as they come. Only asked of a subject that says that it can. Default false. */
  readonly stream?: boolean;
  readonly signal?: AbortSignal;
}

export interface GreedyAnswer {
  readonly tokens: readonly number[];
  /** For each token the row it was chosen from, if the engine has them. */
  readonly scores?: readonly TokenScores[];
  /** SHA-256 over the f32 logits that each token was chosen from, if the engine makes one. */
  readonly fingerprint?: string;
}

/** A conversation in the form of `golden/prompts.json`. */
export interface Conversation {
  readonly messages: readonly object[];
  readonly tools?: readonly object[];
  readonly enableThinking?: boolean;
  /** Default true. */
  readonly addGenerationPrompt?: boolean;
}

/** A loaded model. Methods reject with the errors of `errors.ts`. */
export interface SubjectModel {
  readonly capabilities: Capabilities;
  forward(request: ForwardRequest): Promise<ForwardAnswer>;
  generate(request: GreedyRequest): Promise<GreedyAnswer>;
  /** The ids of a text, special tokens in it recognised as HuggingFace's tokenizer does. */
  tokenize?(text: string): Promise<number[]>;
  /** The ids of a conversation, with the generation prompt. */
  tokenizeChat?(conversation: Conversation): Promise<number[]>;
  /** How many tokens it makes of a text; asked of a subject that cannot say which. */
  countTokens?(text: string): Promise<number>;
  close(): Promise<void>;
}

/** An engine that is held to goldens: any engine, in any language, however it is reached. */
export interface Subject {
  readonly info: SubjectInfo;
  /**
   * Finds out by a few small requests whether the engine can be asked about a model. Called before what is
   * right is computed, which takes minutes; once more before loading it may be known. Absent: loading tells.
   *
   * @throws as loading does.
   */
  reach?(modelDir: string): Promise<void>;
  /**
   * @param modelDir a directory in HuggingFace's layout; an engine behind a server ignores it. Empty: the
   * model that the engine has, for checks that need no reference.
   */
  load(modelDir: string): Promise<SubjectModel>;
}
