import type { Conversation } from '../../subject.ts';
import type { HttpRequest } from './exchange.ts';

/** The APIs, in the order of detection: most servers also have OpenAI's, so that it comes last. */
export const API_NAMES = ['llama-server', 'sglang', 'tgi', 'ollama', 'vllm', 'openai'] as const;
export type ApiName = (typeof API_NAMES)[number];

/** A prompt as a server takes it. */
export type Prompt = { readonly ids: readonly number[] } | { readonly text: string };

/** One greedy continuation of a prompt. */
export interface Question {
  /** Messages begin with it. */
  readonly asked: string;
  readonly prompt: Prompt;
  /** 1 or more. */
  readonly maxNewTokens: number;
  /** The likeliest tokens of each row; 0 for tokens alone. */
  readonly top: number;
  /** Ask for the rows of the prompt's own positions too. */
  readonly promptRows?: boolean;
  /** Ask for other sampling than greedy: used to find out what log-probabilities mean. */
  readonly sampling?: Sampling;
  /** Have the answer sent in parts. Default false. */
  readonly stream?: boolean;
  /** Make the server choose this token: its scores must stay those of the model. */
  readonly forcedToken?: number;
}

export interface Sampling {
  readonly temperature: number;
  readonly topK?: number;
}

/** A token as a server names it, and its natural log-probability. */
export interface ScoredToken {
  /** Undefined if the server gives text alone. */
  readonly id?: number;
  readonly text?: string;
  readonly logprob: number;
}

/** What a server shows of the distribution of one token. */
export type ScoredRow = readonly ScoredToken[];

/** An answer, read and of the right types; what its values mean is not checked yet. */
export interface Completion {
  /** One for each generated token; an id, or its text if the server gives no ids. */
  readonly tokens: readonly Pick<ScoredToken, 'id' | 'text'>[];
  /** One for each of `tokens`; undefined at a token that the server gives no row for. */
  readonly rows?: readonly (ScoredRow | undefined)[];
  /** Index i: the row that scored the prompt's token i, given the tokens before it; undefined for token 0. */
  readonly promptRows?: readonly (ScoredRow | undefined)[];
  /** The prompt's tokens as the server counts them. */
  readonly promptLength?: number;
  /** The prompt's tokens as the server made them. */
  readonly promptIds?: readonly number[];
  /** Why the server stopped, in its own word. */
  readonly finishReason?: string;
}

/** What a server says of itself. */
export interface Identity {
  /** The server's own name. Default: the dialect's title. */
  readonly name?: string;
  readonly version?: string;
  /** Names under which it serves models. */
  readonly models?: readonly string[];
}

/** Sends a request and returns the JSON of its answer. */
export type Ask = (request: HttpRequest) => Promise<unknown>;

/** How a server is asked for an answer in parts, and what they make together. */
export interface StreamForm {
  /** The request's path, where it is not that of whole answers. */
  readonly path?: string;
  /** @param whole the body of a request for a whole answer. */
  body(whole: Readonly<Record<string, unknown>>): Record<string, unknown>;
  /**
   * @returns what `readCompletion` would be given had the answer come whole.
   * @throws SubjectError if the parts have another form.
   */
  join(events: readonly unknown[], asked: string): unknown;
}

/** How one kind of server is asked and understood. */
export interface Dialect {
  readonly name: ApiName;
  /** The name of the server whose API it is. */
  readonly title: string;
  /** How prompts can be given, the preferred first. */
  readonly prompts: readonly ('ids' | 'text')[];
  /** Numbers of likeliest tokens to ask for; the first that the server takes is used. */
  readonly tops: readonly number[];
  /** Whether it can give rows of the prompt's own positions in one request. */
  readonly scoresPrompts: boolean;
  /** Whether scores are after temperature by default. Greedy requests have none: scores are the model's. */
  readonly scoresAfterTemperature: boolean;
  /** Whether a row of the prompt always shows the prompt's own next token too. */
  readonly showsPromptTokens: boolean;
  /** Whether it leaves out rows of tokens that end in the middle of a character. */
  readonly omitsCutCharacters: boolean;
  /** What to do at the server if its log-probabilities are not the model's own. */
  readonly rawScoresAdvice: string;
  /**
   * Finds out whether a server speaks this dialect, by requests that change nothing.
   *
   * @returns undefined if it does not.
   */
  identify(ask: Ask): Promise<Identity | undefined>;
  completionRequest(question: Question, model: string | undefined): HttpRequest;
  /** @throws SubjectError if the answer has another form. */
  readCompletion(answer: unknown, question: Question): Completion;
  /** How answers come in parts. Absent: they come whole alone. */
  readonly stream?: StreamForm;
  /** The ids of a text. Absent: the server cannot be asked. */
  tokenize?(ask: Ask, text: string, model: string | undefined): Promise<number[]>;
  /** The ids of a conversation. Absent: the server cannot be asked. */
  tokenizeChat?(ask: Ask, conversation: Conversation, model: string | undefined): Promise<number[]>;
}
