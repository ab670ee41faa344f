import { NotSupportedError } from '../../errors.ts';
import type { Started } from '../../protocol/messages.ts';
import type { EngineSession } from '../../protocol/session.ts';
import { decodeFloats } from '../../protocol/wire-array.ts';
import type {
  Capabilities,
  Conversation,
  ForwardAnswer,
  ForwardRequest,
  GreedyAnswer,
  GreedyRequest,
  SubjectModel,
} from '../../subject.ts';
import { decodeScores } from './decode-scores.ts';

/** How long a program may take, in whole ms, 1 or more and at most 24.8 days. */
export interface CommandLimits {
  /** To say what it is: a slow import counts. Default 60 s. */
  readonly startMs: number;
  /** To load a model. Default 10 min. */
  readonly loadMs: number;
  /** For any other answer. Default 10 min. */
  readonly requestMs: number;
  /** To end after `stop`, before it is killed. Default 5 s. */
  readonly stopMs: number;
}

/** What a model needs of its session. */
export type ModelSession = Pick<EngineSession, 'request' | 'close'>;

/** A model that a program has loaded. */
export class CommandModel implements SubjectModel {
  readonly capabilities: Capabilities;
  readonly tokenize?: (text: string) => Promise<number[]>;
  readonly tokenizeChat?: (conversation: Conversation) => Promise<number[]>;
  readonly #session: ModelSession;
  readonly #values: 'logits' | 'log-probabilities';
  readonly #limits: Pick<CommandLimits, 'requestMs' | 'stopMs'>;

  /** @param session of a program that has loaded the model. @param said what it can be asked for. */
  constructor(
    session: ModelSession,
    said: Started['capabilities'],
    limits: Pick<CommandLimits, 'requestMs' | 'stopMs'>,
  ) {
    const { values = 'logits', ...capabilities } = said;
    this.capabilities = { hidden: false, tokenize: false, chat: false, maxConcurrency: 1, ...capabilities };
    this.#session = session;
    this.#values = values;
    this.#limits = limits;
    if (said.tokenize) this.tokenize = (text) => this.#tokenize(text);
    if (said.chat) this.tokenizeChat = (conversation) => this.#tokenizeChat(conversation);
  }

  async forward({ ids, positions, hidden = false, signal }: ForwardRequest): Promise<ForwardAnswer> {
    const asked = `forward of ${ids.length} ids`;
    const { scores: kind, hidden: givesHidden } = this.capabilities;
    if (kind === 'none') throw new NotSupportedError(`${asked}: skipped: the engine has no scores`);
    const request = { ids, positions, hidden: hidden && givesHidden };
    const answer = await this.#session.request('forward', request, this.#options(asked, signal));
    const expected = { rows: positions.length, values: this.#values, kind };
    const rows = decodeScores(`${asked}: scores`, answer.scores, expected);
    if (!answer.hidden) return { rows };
    const shape = ['layers + 2', ids.length, 'hidden size'];
    return { rows, hidden: decodeFloats(`${asked}: hidden`, answer.hidden, shape).values };
  }

  async generate({ ids, maxNewTokens, signal }: GreedyRequest): Promise<GreedyAnswer> {
    const asked = `generate of ${maxNewTokens} tokens after ${ids.length} ids`;
    const request = { ids, maxNewTokens, greedy: true } as const;
    const answer = await this.#session.request('generate', request, this.#options(asked, signal));
    const { tokens, scores, fingerprint } = answer;
    if (!scores) return { tokens, fingerprint };
    const kind = scores.ids ? 'top' : 'all';
    const expected = { rows: tokens.length, values: this.#values, kind } as const;
    return { tokens, fingerprint, scores: decodeScores(`${asked}: scores`, scores, expected) };
  }

  /** Ends the program. */
  close(): Promise<void> {
    return this.#session.close(this.#limits.stopMs);
  }

  async #tokenize(text: string): Promise<number[]> {
    const options = this.#options(`tokenize of ${text.length} characters`);
    return [...(await this.#session.request('tokenize', { text }, options)).ids];
  }

  async #tokenizeChat(conversation: Conversation): Promise<number[]> {
    const { messages, tools, enableThinking, addGenerationPrompt = true } = conversation;
    const request = { messages, tools, enableThinking, addGenerationPrompt };
    const options = this.#options(`tokenizeChat of ${messages.length} messages`);
    return [...(await this.#session.request('tokenizeChat', request, options)).ids];
  }

  #options(asked: string, signal?: AbortSignal) {
    return { asked, limitMs: this.#limits.requestMs, signal };
  }
}
