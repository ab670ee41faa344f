import type { ServerProfile } from '../../../verify/adapters/http/asking.ts';
import type { Completion, Dialect, Question } from '../../../verify/adapters/http/dialect.ts';
import type { HttpRequest } from '../../../verify/adapters/http/exchange.ts';

/** Answers a question as a server would, already read. */
export type Script = (question: Question) => Completion;

/** A dialect whose answers are read as they are: of a server without HTTP. */
export function scriptedDialect(script: Script, parts: Partial<Dialect> = {}): Dialect {
  return {
    name: 'openai',
    title: 'a scripted server',
    prompts: ['ids'],
    tops: [2],
    scoresPrompts: false,
    scoresAfterTemperature: false,
    showsPromptTokens: false,
    omitsCutCharacters: false,
    rawScoresAdvice: 'set raw scores',
    identify: async () => ({}),
    completionRequest: (question) => ({ method: 'POST', path: '/scripted', body: question }),
    readCompletion: (_, question) => script(question),
    ...parts,
  };
}

/** A server that answers by a script, the questions it was asked, and the signals they came with. */
export function scriptedServer(
  script: Script,
  parts: Partial<ServerProfile> = {},
): { server: ServerProfile; questions: Question[]; signals: (AbortSignal | undefined)[] } {
  const questions: Question[] = [];
  const signals: (AbortSignal | undefined)[] = [];
  const record = ({ body }: HttpRequest, signal: AbortSignal | undefined) => {
    questions.push(body as Question);
    signals.push(signal);
  };
  const client = {
    async json(request: HttpRequest, _what: string, signal?: AbortSignal) {
      record(request, signal);
      return {};
    },
    async events(request: HttpRequest, _what: string, signal?: AbortSignal) {
      record(request, signal);
      return [{}];
    },
  };
  const dialect = scriptedDialect(script);
  const server = { dialect, client, prompts: 'ids', top: 2, scoresPrompts: false, ...parts } as const;
  return { server, questions, signals };
}
