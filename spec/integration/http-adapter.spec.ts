import test, { type ExecutionContext } from 'ava';
import { ensureFixture } from '../../generator/fixtures/fixtures.ts';
import { logSumExp } from '../../golden/tolerance.ts';
import type { ApiName } from '../../verify/adapters/http/dialect.ts';
import { type HttpSubjectOptions, httpSubject } from '../../verify/adapters/http/http-subject.ts';
import type { SubjectModel, TokenScores } from '../../verify/subject.ts';
import { closing, trackResources } from '../support/processes/cleanup.ts';
import type { LoopbackServer } from '../support/servers/loopback-server.ts';
import { SERVERS, serveModel, startServer } from '../support/servers/start-server.ts';

trackResources(test);

const IDS = [5, 6, 7, 8, 9, 200, 17, 300, 2, 11];
const POSITIONS = [0, 3, 4, 8, 9];

/** A fixture behind a server, the same model in this process, and the adapter in front of the server. */
async function served(
  t: ExecutionContext,
  api: keyof typeof SERVERS,
  fixture: 'dense' | 'dense-bf16',
  options: Partial<HttpSubjectOptions> = {},
): Promise<{ server: LoopbackServer; ours: SubjectModel; asked: SubjectModel; name: string }> {
  const modelDir = await ensureFixture(fixture);
  const serving = closing(t, await serveModel(modelDir));
  const server = closing(t, await startServer(SERVERS[api](serving.served)));
  const subject = httpSubject({ url: server.url, timeoutMs: 60_000, ...options });
  const asked = closing(t, await subject.load(modelDir));
  return { server, ours: serving.model, asked, name: subject.info.name };
}

/** Holds rows of the likeliest tokens to whole rows of logits, to the rounding of f32. */
function sameRows(
  t: ExecutionContext,
  got: readonly TokenScores[],
  expected: readonly TokenScores[],
  top: number,
): void {
  t.is(got.length, expected.length);
  for (const [i, { ids, values }] of got.entries()) {
    const logits = expected[i].values;
    const sum = logSumExp(logits);
    const ranked = [...logits.keys()].sort((a, b) => logits[b] - logits[a] || a - b).slice(0, top);
    t.deepEqual([...ids!], ranked, `the likeliest tokens of row ${i}`);
    for (const [k, id] of ranked.entries()) {
      t.true(
        Math.abs(values[k] - (logits[id] - sum)) < 1e-5,
        `row ${i}, token ${id}: ${values[k]} for ${logits[id] - sum}`,
      );
    }
  }
}

const TOPS: Partial<Record<ApiName, number>> = { vllm: 20, 'llama-server': 64 };

for (const api of ['vllm', 'llama-server'] as const) {
  const top = TOPS[api]!;

  test(`${api}: rows and greedy tokens over HTTP are those of the engine in process`, async (t) => {
    const { ours, asked, name, server } = await served(t, api, 'dense');
    t.true(name.endsWith(` at ${server.url}`), name);
    t.is(asked.capabilities.scores, 'top');
    const expected = await ours.forward({ ids: IDS, positions: POSITIONS });
    const { rows } = await asked.forward({ ids: IDS, positions: POSITIONS });
    sameRows(t, rows, expected.rows, top);
    const greedy = await ours.generate({ ids: IDS, maxNewTokens: 12 });
    const generated = await asked.generate({ ids: IDS, maxNewTokens: 12 });
    t.deepEqual(generated.tokens, greedy.tokens);
    sameRows(t, generated.scores!, greedy.scores!, top);
  });

  test(`${api}: ids of texts and conversations are the tokenizer's own`, async (t) => {
    const { asked } = await served(t, api, 'dense-bf16');
    t.like(asked.capabilities, { tokenize: true, chat: true });
    t.deepEqual(await asked.tokenize!('Hello, world'), [9707, 11, 1879]);
  });
}
