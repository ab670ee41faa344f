import test from 'ava';
import fc from 'fast-check';
import type { ServerProfile } from '../../../../../verify/adapters/http/asking.ts';
import { detectDialect } from '../../../../../verify/adapters/http/detect.ts';
import type { ApiName, Ask } from '../../../../../verify/adapters/http/dialect.ts';
import { DIALECTS } from '../../../../../verify/adapters/http/dialects.ts';
import type { HttpRequest } from '../../../../../verify/adapters/http/exchange.ts';
import { forward } from '../../../../../verify/adapters/http/forward.ts';
import { generate } from '../../../../../verify/adapters/http/generate.ts';
import { HttpStatusError } from '../../../../../verify/adapters/http/nonsense.ts';
import { probeScores } from '../../../../../verify/adapters/http/probe-scores.ts';
import { findWholeToken, probeServer, takesText } from '../../../../../verify/adapters/http/probe-server.ts';
import { TokenText } from '../../../../../verify/adapters/http/token-text.ts';
import { checkGenerated, checkRows } from '../../../../../verify/compare/answers.ts';
import { NotSupportedError, SubjectError } from '../../../../../verify/errors.ts';
import { fakeServed, LETTERS } from '../../../../support/servers/fake-served.ts';
import { HttpProblem, type Streamed } from '../../../../support/servers/loopback-server.ts';
import { SERVERS } from '../../../../support/servers/servers.ts';
import { FAKE_SIZES } from '../../../../support/verify/fake-subject.ts';

const { vocabSize } = FAKE_SIZES;
const NAMES = Object.keys(DIALECTS) as ApiName[];
const IDS = [1, 2, 3];

/** A server without HTTP: what its routes answer is altered before the adapter reads it. */
function alteredServer(name: ApiName, alter: (answer: unknown) => unknown): ServerProfile {
  const dialect = DIALECTS[name];
  const routes = SERVERS[name](fakeServed());
  const answerTo = async ({ method, path, body }: HttpRequest) => {
    try {
      return await routes[`${method} ${path}`](body === undefined ? {} : JSON.parse(JSON.stringify(body)));
    } catch (error) {
      // As the client does.
      if (error instanceof HttpProblem) throw new HttpStatusError(error.message, error.status);
      throw error;
    }
  };
  // As it comes over the network, with keys such as "__proto__" as they are.
  const altered = (answer: unknown): unknown =>
    JSON.parse(JSON.stringify(alter(JSON.parse(JSON.stringify(answer)))) ?? 'null');
  const client = {
    json: async (request: HttpRequest) => altered(await answerTo(request)),
    async events(request: HttpRequest) {
      const parts = altered(((await answerTo(request)) as Streamed).events);
      return Array.isArray(parts) && parts.length > 0 ? parts : [parts];
    },
  };
  const text = new TokenText({
    encode: (letters) => LETTERS.encode(letters),
    decode: (ids) => LETTERS.decode(ids),
    vocabSize: 8,
    bytesOf: (id) => Buffer.from(LETTERS.pieceOf(id)),
  });
  const { prompts, scoresPrompts } = dialect;
  return {
    dialect,
    client,
    model: 'fake',
    prompts: prompts[0],
    top: 3,
    scoresPrompts,
    vocabSize,
    text,
    wholeToken: 1,
  };
}

/** Asks all that can be asked. What comes is a valid answer, or one of the errors with a name. */
async function isAnswerOrNamedError(server: ServerProfile): Promise<'answer' | 'error'> {
  const positions = [0, 1, 2];
  const asks = [
    async () =>
      checkRows('forward', (await forward(server, { ids: IDS, positions })).rows, { count: 3, vocabSize }),
    async () => {
      const { tokens, scores } = await generate(server, { ids: IDS, maxNewTokens: 2 });
      checkGenerated('generate', tokens, { count: 2, vocabSize });
      if (scores) checkRows('generate', scores, { count: 2, vocabSize });
    },
  ];
  let outcome: 'answer' | 'error' = 'answer';
  for (const ask of asks) {
    try {
      await ask();
    } catch (error) {
      if (!(error instanceof SubjectError || error instanceof NotSupportedError)) throw error;
      if (!/^(forward|generate|tokenize): /.test(error.message))
        throw new Error('the message names no question', { cause: error });
      if (error.message.length > 1000) throw new Error('the message is too long', { cause: error });
      outcome = 'error';
    }
  }
  return outcome;
}

test('an honest answer of each API is an answer', async (t) => {
  for (const name of NAMES) {
    t.is(await isAnswerOrNamedError(alteredServer(name, (answer) => answer)), 'answer', name);
  }
});

test('any JSON in place of an answer is a named error, of each API', async (t) => {
  const check = fc.asyncProperty(fc.constantFrom(...NAMES), fc.jsonValue(), async (name, json) => {
    return (await isAnswerOrNamedError(alteredServer(name, () => json))) === 'error';
  });
  await t.notThrowsAsync(fc.assert(check, { seed: 20261129, numRuns: 300 }) as Promise<void>);
});

/** Values that answers have in wrong places. */
const wrongValue = fc.oneof(
  fc.jsonValue({ maxDepth: 1 }),
  fc.constantFrom(null, -1, 8, 1.5, 2 ** 40, -1e308, 1e308, '', 'token_id:99', 'NaN', [], {}, [[]], [null]),
);

test('a part of an honest answer that is replaced or left out never crashes the adapter', async (t) => {
  const check = fc.asyncProperty(
    fc.constantFrom(...NAMES),
    fc.nat(),
    fc.option(wrongValue, { nil: undefined }),
    async (name, index, value) => {
      await isAnswerOrNamedError(alteredServer(name, (answer) => withPart(answer, index, value)));
    },
  );
  await t.notThrowsAsync(fc.assert(check, { seed: 20261129, numRuns: 1500 }) as Promise<void>);
});

test('any JSON in place of what a server says of itself is an API or an error', async (t) => {
  const check = fc.asyncProperty(fc.jsonValue(), fc.constantFrom('auto', ...NAMES), async (json, api) => {
    try {
      await detectDialect(async () => json, api);
    } catch (error) {
      if (!(error instanceof SubjectError)) throw error;
    }
  });
  await t.notThrowsAsync(fc.assert(check, { seed: 20261129, numRuns: 300 }) as Promise<void>);
});

test('any JSON in place of probes, streams and token ids is a valid answer or an error with a name', async (t) => {
  const chat = { messages: [{ role: 'user', content: 'a' }] };
  const check = fc.asyncProperty(
    fc.constantFrom(...NAMES),
    fc.nat(),
    fc.option(wrongValue, { nil: undefined }),
    fc.boolean(),
    async (name, index, value, isWhole) => {
      const alter = (answer: unknown) => (isWhole ? value : withPart(answer, index, value));
      const server = alteredServer(name, alter);
      const ask: Ask = (request) => server.client.json(request, 'tokenize');
      const { dialect } = server;
      const asks = [
        async () => await probeServer(server, await findWholeToken(dialect, ask, 'fake')),
        async () => await probeScores(server, IDS),
        async () => await takesText(dialect, ask, 'fake'),
        async () => {
          const { tokens } = await generate(server, { ids: IDS, maxNewTokens: 2, stream: true });
          checkGenerated('generate', tokens, { count: 2, vocabSize });
        },
        async () => checkIds(await dialect.tokenize?.(ask, 'ab', 'fake')),
        async () => checkIds(await dialect.tokenizeChat?.(ask, chat, 'fake')),
      ];
      for (const each of asks) {
        try {
          await each();
        } catch (error) {
          if (!(error instanceof SubjectError || error instanceof NotSupportedError)) throw error;
        }
      }
    },
  );
  await t.notThrowsAsync(fc.assert(check, { seed: 20261129, numRuns: 400 }) as Promise<void>);
});

function checkIds(ids: readonly number[] = []): void {
  if (!Array.isArray(ids) || !ids.every((id) => Number.isInteger(id) && id >= 0))
    throw new Error(`ids that are none: ${JSON.stringify(ids)}`);
}

/** The part of this index, in the order of JSON text, replaced; left out if `value` is undefined. */
function withPart(json: unknown, index: number, value: unknown): unknown {
  const parts: { holder: Record<string, unknown>; key: string }[] = [];
  const collect = (node: unknown) => {
    if (typeof node !== 'object' || node === null) return;
    const holder = node as Record<string, unknown>;
    for (const key of Object.keys(holder)) {
      parts.push({ holder, key });
      collect(holder[key]);
    }
  };
  collect(json);
  if (parts.length === 0) return value;
  const { holder, key } = parts[index % parts.length];
  if (value !== undefined) holder[key] = value;
  else if (Array.isArray(holder)) holder.splice(Number(key), 1);
  else delete holder[key];
  return json;
}
