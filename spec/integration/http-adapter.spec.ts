import test, { type ExecutionContext } from 'ava';
import { Tokenizer } from '../../engine/text/tokenizer.ts';
import { ensureFixture } from '../../generator/fixtures/fixtures.ts';
import { logSumExp } from '../../golden/tolerance.ts';
import type { ApiName } from '../../verify/adapters/http/dialect.ts';
import { DIALECTS } from '../../verify/adapters/http/dialects.ts';
import { httpSubject } from '../../verify/adapters/http/http-subject.ts';
import { NotSupportedError } from '../../verify/errors.ts';
import type { SubjectModel, TokenScores } from '../../verify/subject.ts';
import { closing, trackResources } from '../support/processes/cleanup.ts';
import { LoopbackServer } from '../support/servers/loopback-server.ts';
import { SERVERS, serveModel } from '../support/servers/servers.ts';

trackResources(test);

const IDS = [5, 6, 7, 8, 9, 200, 17, 300, 2, 11];
const POSITIONS = [0, 3, 4, 8, 9];
/** After its position 8 the likeliest token of `dense-bf16` ends in the middle of a character. */
const PROMPT = 'The capital of France is Paris. 2 + 2 =';
const CUT = 8;

type Fixture = 'dense' | 'dense-bf16';
const models: Partial<Record<Fixture, ReturnType<typeof serveModel>>> = {};

/** A fixture's model, loaded once for all tests of this file. */
async function modelOf(fixture: Fixture) {
  models[fixture] ??= ensureFixture(fixture).then((modelDir) => serveModel(modelDir));
  return await models[fixture];
}

const tokenizerOf = async (fixture: Fixture) => await Tokenizer.load(await ensureFixture(fixture));

test.before('the tokenizer is loaded once, and kept by the served model', async () => {
  await modelOf('dense-bf16');
});

test.after.always('close the models', async () => {
  for (const model of Object.values(models)) await (await model).close();
});

/** A fixture behind a server, the same model in this process, and the adapter in front of the server. */
async function served(
  t: ExecutionContext,
  api: ApiName,
  fixture: Fixture,
): Promise<{ server: LoopbackServer; ours: SubjectModel; asked: SubjectModel; name: string }> {
  const { served, model } = await modelOf(fixture);
  const server = closing(t, await LoopbackServer.start(SERVERS[api](served)));
  const subject = httpSubject({ url: server.url });
  const asked = closing(t, await subject.load(await ensureFixture(fixture)));
  return { server, ours: model, asked, name: subject.info.name };
}

/**
 * Holds rows of the likeliest tokens to whole rows of logits, to the rounding of f32.
 *
 * @param top tokens of each row; undefined if a row may end at a token whose text is not one token.
 */
function sameRows(
  t: ExecutionContext,
  got: readonly TokenScores[],
  expected: readonly TokenScores[],
  top?: number,
): void {
  t.is(got.length, expected.length);
  for (const [i, { ids, values }] of got.entries()) {
    const logits = expected[i].values;
    const sum = logSumExp(logits);
    const ranked = likeliest(logits, top ?? ids!.length);
    t.deepEqual([...ids!], ranked, `the likeliest tokens of row ${i}`);
    for (const [k, id] of ranked.entries()) {
      const wanted = logits[id] - sum;
      t.true(
        Math.abs(values[k] - wanted) < 1e-5,
        `row ${i}, token ${id}: got ${values[k]}, expected ${wanted}`,
      );
    }
  }
}

/** The ids of the n highest logits, the highest first, of equal ones the lower id. */
function likeliest(logits: Float32Array, n: number): number[] {
  // Sorted as plain numbers first: sorting 151,936 ids by a function takes a second.
  const lowest = logits.toSorted()[logits.length - n];
  return [...logits.keys()]
    .filter((id) => logits[id] >= lowest)
    .sort((a, b) => logits[b] - logits[a] || a - b)
    .slice(0, n);
}

/** APIs that take ids and give them, and how many of the likeliest tokens they give by default. */
const BY_IDS = { vllm: 20, sglang: 64, 'llama-server': 64 } as const;

for (const [api, top] of Object.entries(BY_IDS) as [keyof typeof BY_IDS, number][]) {
  test(`${api}: rows and greedy tokens over HTTP are those of the engine in process`, async (t) => {
    const { ours, asked, name } = await served(t, api, 'dense');
    t.is(name, DIALECTS[api].title);
    t.is(asked.capabilities.scores, 'top');
    const expected = await ours.forward({ ids: IDS, positions: POSITIONS });
    const { rows } = await asked.forward({ ids: IDS, positions: POSITIONS });
    sameRows(t, rows, expected.rows, top);
    const greedy = await ours.generate({ ids: IDS, maxNewTokens: 12 });
    const generated = await asked.generate({ ids: IDS, maxNewTokens: 12 });
    t.deepEqual(generated.tokens, greedy.tokens);
    sameRows(t, generated.scores!, greedy.scores!, top);
  });

  test(`${api}: rows of a model with Qwen3's own tokenizer are the engine's, also where a token cuts a character`, async (t) => {
    const { ours, asked } = await served(t, api, 'dense-bf16');
    const ids = (await tokenizerOf('dense-bf16')).encode(PROMPT);
    const expected = await ours.forward({ ids, positions: [0, CUT, ids.length - 1] });
    const { rows } = await asked.forward({ ids, positions: [0, CUT, ids.length - 1] });
    sameRows(t, rows, expected.rows, top);
    const greedy = await ours.generate({ ids, maxNewTokens: 5 });
    const generated = await asked.generate({ ids, maxNewTokens: 5 });
    t.deepEqual(generated.tokens, greedy.tokens);
    sameRows(t, generated.scores!, greedy.scores!, top);
    t.deepEqual(await asked.tokenize!(PROMPT), ids);
    t.is(asked.capabilities.chat, api !== 'sglang');
  });
}

for (const api of ['tgi', 'ollama', 'openai'] as const) {
  test(`${api}: rows of prompts given as text, or answered in texts, are the engine's`, async (t) => {
    const { ours, asked, name } = await served(t, api, 'dense-bf16');
    t.is(name, DIALECTS[api].title);
    const ids = (await tokenizerOf('dense-bf16')).encode(PROMPT);
    const positions = [0, 3, ids.length - 1];
    const { rows } = await asked.forward({ ids, positions });
    sameRows(t, rows, (await ours.forward({ ids, positions })).rows, api === 'tgi' ? 5 : undefined);
    const generated = await asked.generate({ ids, maxNewTokens: 3 });
    t.deepEqual(generated.tokens, (await ours.generate({ ids, maxNewTokens: 3 })).tokens);
    if (api === 'tgi') return;
    t.is(await asked.countTokens!(PROMPT), ids.length);
    await t.throwsAsync(asked.forward({ ids, positions: [CUT] }), {
      instanceOf: NotSupportedError,
      message:
        /^forward: position 8 of 13: the ids of the two likeliest tokens cannot be told from their texts/,
    });
  });
}

test('a server of text gives the rows of positions that a text reaches, and the reasons of the others', async (t) => {
  const { ours, asked } = await served(t, 'tgi', 'dense-bf16');
  const ids = [9707, 9707, 0, 1, 2];
  const { rows, unreached } = await asked.forward({ ids, positions: [1, 4] });
  sameRows(t, rows, (await ours.forward({ ids, positions: [1] })).rows, 5);
  t.deepEqual(
    unreached?.map(({ position }) => position),
    [4],
  );
  const reason =
    /^forward: position 4 of 5: the server takes text, and no text encodes to these 5 ids: token \d becomes another/;
  t.regex(unreached![0].why, reason);
  await t.throwsAsync(asked.forward({ ids, positions: [4] }), {
    instanceOf: NotSupportedError,
    message: reason,
  });
});
