import type { PrecisionClass } from '../precision.ts';
import type { Conversation, SubjectInfo } from '../subject.ts';

/**
 * The messages of the protocol in TypeScript. Their source is `v1/*.schema.json`, which `schemas.ts` holds
 * every answer to; docs/protocol.md explains them.
 */

/** The version that the judge speaks. */
export const PROTOCOL_VERSION = 1;

/** The answer that each request expects; `stop` has none. */
export const ANSWER_TYPES = {
  start: 'started',
  load: 'loaded',
  forward: 'forwarded',
  generate: 'generated',
  tokenize: 'tokenized',
  tokenizeChat: 'tokenized',
} as const;
export type RequestType = keyof typeof ANSWER_TYPES;

/** What a request has beside `type` and `id`. */
export interface RequestFields {
  start: { protocol: typeof PROTOCOL_VERSION };
  load: { model: string };
  forward: { ids: readonly number[]; positions: readonly number[]; hidden: boolean };
  generate: { ids: readonly number[]; maxNewTokens: number; greedy: true };
  tokenize: { text: string };
  tokenizeChat: Conversation & { addGenerationPrompt: boolean };
}

/** An array in a message. */
export interface InlineArray {
  readonly dtype: 'f32' | 'i32';
  readonly shape: readonly number[];
  /** Little-endian, 4 bytes an element. */
  readonly base64: string;
}

/** An array in a file, `.npy` or `.safetensors`. */
export interface FileArray {
  readonly shape: readonly number[];
  readonly file: string;
  /** Only of a `.safetensors` file. */
  readonly tensor?: string;
}

export type WireArray = InlineArray | FileArray;

/** Scores of several positions: one row for each. */
export interface WireScores {
  /** i32 [rows, n]. Absent: `values` covers the vocabulary. */
  readonly ids?: WireArray;
  /** f32 [rows, n] */
  readonly values: WireArray;
}

export interface Started {
  readonly type: 'started';
  readonly id: string;
  readonly protocol: number;
  readonly engine: SubjectInfo;
  readonly capabilities: {
    readonly scores: 'all' | 'top' | 'none';
    readonly values?: 'logits' | 'log-probabilities';
    readonly hidden?: boolean;
    readonly tokenize?: boolean;
    readonly chat?: boolean;
    readonly maxConcurrency?: number;
    readonly precision?: PrecisionClass;
  };
}

export interface Loaded {
  readonly type: 'loaded';
  readonly id: string;
}

export interface Forwarded {
  readonly type: 'forwarded';
  readonly id: string;
  readonly scores: WireScores;
  readonly hidden?: WireArray;
}

export interface Generated {
  readonly type: 'generated';
  readonly id: string;
  readonly tokens: readonly number[];
  readonly scores?: WireScores;
  readonly fingerprint?: string;
}

export interface Tokenized {
  readonly type: 'tokenized';
  readonly id: string;
  readonly ids: readonly number[];
}

/** The engine cannot be asked that. */
export interface Skipped {
  readonly type: 'skipped';
  readonly id: string;
  readonly reason: string;
}

/** A request failed. */
export interface Failed {
  readonly type: 'error';
  readonly id: string;
  readonly message: string;
}

export type Answer = Started | Loaded | Forwarded | Generated | Tokenized | Skipped | Failed;

/** The answer to a request that went well. */
export type AnswerOf<Type extends RequestType> = Extract<Answer, { type: (typeof ANSWER_TYPES)[Type] }>;
