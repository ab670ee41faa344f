import { readModelConfig } from '../../../engine/checkpoint/read-config.ts';
import { checkTimeLimit } from '../../../engine/options.ts';
import { SubjectError } from '../../errors.ts';
import type { Subject, SubjectInfo, SubjectModel } from '../../subject.ts';
import { Client } from './client.ts';
import { countTokens } from './count-tokens.ts';
import { chooseModel, detectDialect } from './detect.ts';
import type { ApiName, Ask } from './dialect.ts';
import { forward } from './forward.ts';
import { generate } from './generate.ts';
import { InternedText, textAlone } from './interned-text.ts';
import { probeScores } from './probe-scores.ts';
import { findWholeToken, probePrompt, probeServer, takesText } from './probe-server.ts';
import { functionsWithoutKey, withoutKey } from './redact.ts';
import type { Clock } from './retries.ts';
import { TokenText } from './token-text.ts';

/** Which server is asked, and how. */
export interface HttpSubjectOptions {
  /** http or https; a path in it stands in front of the API's. */
  readonly url: string;
  /** Default `auto`: found out by asking. */
  readonly api?: ApiName | 'auto';
  /** The model's name in requests. Default: the only one that the server lists. */
  readonly servedModel?: string;
  /** Sent as a bearer token, never shown. Default none. */
  readonly apiKey?: string;
  /** Requests at a time. Default 4. */
  readonly concurrency?: number;
  /** The time limit of one request, in whole ms, at most 24.8 days. Default 120 000. */
  readonly timeoutMs?: number;
  /** Ends loading. */
  readonly signal?: AbortSignal;
  /** Called with what was found out about the server, a line each. */
  readonly onNote?: (note: string) => void;
  /** Time, as waiting for a busy server uses it. Default: the system's. */
  readonly clock?: Clock;
}

const DEFAULT_CONCURRENCY = 4;
const DEFAULT_TIMEOUT_MS = 120_000;

/**
 * An engine behind an HTTP server. Loading asks which API it has, what it can be asked for and what its
 * log-probabilities mean; the model's directory gives the tokenizer that texts in answers are read with.
 *
 * @throws SubjectError if the URL is not of http or https; OptionError if `timeoutMs` is out of range.
 */
export function httpSubject(options: HttpSubjectOptions): Subject {
  const url = parseUrl(options.url);
  if (options.timeoutMs !== undefined) checkTimeLimit('timeoutMs', options.timeoutMs);
  let info: SubjectInfo = { name: `the server at ${shown(url)}` };
  const { apiKey, timeoutMs = DEFAULT_TIMEOUT_MS, clock } = options;
  const connect = async (modelDir: string, onNote?: (note: string) => void) => {
    const client = new Client({
      url,
      timeoutMs,
      ...(apiKey ? { apiKey } : {}),
      ...(clock ? { clock } : {}),
    });
    try {
      const opened = await withoutKey(apiKey, () => open(client, modelDir, { ...options, onNote }));
      return { client, opened };
    } catch (error) {
      client.close();
      throw error;
    }
  };
  let reached: string | undefined;
  return {
    get info() {
      return info;
    },
    async reach(modelDir) {
      if (reached === modelDir) return;
      const { client } = await connect(modelDir);
      client.close();
      reached = modelDir;
    },
    async load(modelDir) {
      reached = undefined;
      const { opened } = await connect(modelDir, options.onNote);
      info = { name: opened.name, version: opened.version };
      return functionsWithoutKey(apiKey, opened.model);
    },
  };
}

async function open(
  client: Client,
  modelDir: string,
  {
    api = 'auto',
    servedModel,
    concurrency = DEFAULT_CONCURRENCY,
    signal,
    onNote = () => {},
  }: HttpSubjectOptions,
): Promise<{ model: SubjectModel; name: string; version?: string }> {
  const ask: Ask = (request) => client.json(request, 'probe of the API', signal);
  const { dialect: detected, identity } = await detectDialect(ask, api);
  // Without the model's directory no tokenizer is known of a server that takes texts.
  const byText = modelDir === '' && detected.prompts.includes('text');
  const dialect = byText ? textAlone(detected) : detected;
  const model = chooseModel(identity, servedModel);
  const { name = dialect.title, version } = identity;
  const spoken = name === dialect.title ? '' : `, asked as ${dialect.title}`;
  onNote(`the server is ${name}${version ? ` ${version}` : ''}${spoken}${model ? `, model ${model}` : ''}`);
  const text = byText ? new InternedText() : modelDir === '' ? undefined : await TokenText.load(modelDir);
  const vocabSize = await readModelConfig(modelDir).then(
    (config) => config.vocabSize,
    () => undefined,
  );
  let dropped = 0;
  const onDropped = (count: number) => {
    dropped += count;
  };
  const wholeToken = await findWholeToken(dialect, ask, model);
  const connected = { dialect, client, model, vocabSize, text, onDropped };
  const server = await probeServer(connected, wholeToken, signal);
  if (server.top > 0) await probeScores(server, probePrompt(server), signal);
  const tokenize = byText || (await takesText(dialect, ask, model));
  const chat = dialect.tokenizeChat !== undefined && tokenize;
  onNote(describe(server));
  // Counts those of the questions that follow, not of the probes.
  dropped = 0;
  return {
    name,
    ...(version ? { version } : {}),
    model: {
      capabilities: {
        scores: server.top > 0 ? 'top' : 'none',
        hidden: false,
        tokenize,
        chat,
        maxConcurrency: concurrency,
        stream: dialect.stream !== undefined,
      },
      forward: (request) => forward(server, request),
      generate: (request) => generate(server, request),
      ...(tokenize
        ? {
            tokenize: async (asked: string) =>
              byText
                ? text!.encode(asked)
                : dialect.tokenize!((request) => client.json(request, 'tokenize'), asked, model),
          }
        : {}),
      ...(chat
        ? {
            tokenizeChat: (conversation) =>
              dialect.tokenizeChat!((request) => client.json(request, 'tokenizeChat'), conversation, model),
          }
        : {}),
      ...(!tokenize && dialect.prompts.includes('text')
        ? { countTokens: (asked: string) => countTokens(server, asked) }
        : {}),
      async close() {
        if (dropped > 0)
          onNote(
            `${dropped} tokens of rows were left out, since their ids could not be told from their texts`,
          );
        client.close();
      },
    },
  };
}

function describe({
  prompts,
  top,
  scoresPrompts,
}: {
  prompts: string;
  top: number;
  scoresPrompts: boolean;
}): string {
  if (top === 0) return `it takes ${prompts} and gives no log-probabilities`;
  const how = scoresPrompts ? 'of all positions of a prompt at once' : 'of one position for each request';
  return `it takes ${prompts} and gives the ${top} likeliest tokens, ${how}`;
}

function parseUrl(text: string): URL {
  const url = URL.parse(text);
  if (url && (url.protocol === 'http:' || url.protocol === 'https:')) return url;
  throw new SubjectError(
    `the server's URL is ${JSON.stringify(text)}; expected one that begins with http:// or https://`,
  );
}

/** Without user and password. */
function shown({ protocol, host, pathname }: URL): string {
  return `${protocol}//${host}${pathname === '/' ? '' : pathname}`;
}
