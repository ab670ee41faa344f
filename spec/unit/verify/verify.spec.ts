import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { UsageError } from '../../../engine/errors.ts';
import { ensureFixture } from '../../../generator/fixtures/fixtures.ts';
import { GOLDEN_FOLDER } from '../../../golden/goldens.ts';
import { NoAnswerError } from '../../../verify/errors.ts';
import { foundBugs } from '../../../verify/judge/bug-verdicts.ts';
import type { Subject } from '../../../verify/subject.ts';
import { verdictSchema } from '../../../verify/verdict.ts';
import { loadCases, type VerifyModel, type VerifyOptions, verify } from '../../../verify/verify.ts';
import { temporaryFolder, trackResources } from '../../support/processes/cleanup.ts';
import { changedEngine, OWN_ENGINE } from '../../support/verify/changed-engine.ts';

const modelDir = await ensureFixture('dense');
const MODEL: VerifyModel = { name: 'dense', source: 'fixture', modelDir, golden: { name: 'dense' } };
const OPTIONS: VerifyOptions = {
  subject: OWN_ENGINE,
  adapter: '--module own',
  model: MODEL,
  cases: await loadCases(MODEL, { run: ['ids-short', 'ids-one', 'ids-longer', 'ids-block'] }),
};

trackResources(test);

test.serial('our own engine is right at f32, with all its power', async (t) => {
  const told: string[] = [];
  const verdict = await verify({ ...OPTIONS, onProgress: (text) => told.push(text) });
  t.deepEqual(verdictSchema.parse(verdict), verdict);
  t.is(verdict.verdict, 'right', verdict.reasons.join());
  t.is(verdict.precision.class, 'f32');
  t.is(verdict.power.refused, verdict.power.of);
  t.true(verdict.compared.values > 10_000);
  t.is(foundBugs(verdict.bugs).length, 0);
  t.true(verdict.consistency.every(({ equalBits }) => equalBits));
  t.regex(verdict.reference.description, /goldens of transformers\.js \d/);
  t.true(told.some((text) => /asked 4 of 4 cases/.test(text)));
});

test.serial('positions that are one too high are wrong, and so said', async (t) => {
  const late = changedEngine((model) => ({
    forward: ({ positions, ...rest }) =>
      model
        .forward({
          ...rest,
          hidden: false,
          positions: positions.map((p) => Math.max(0, p - 1)).filter((p, i, all) => all.indexOf(p) === i),
        })
        .then(({ rows }) => ({ rows: [rows[0], ...rows] })),
  }));
  const { verdict, precision, cases } = await verify({
    ...OPTIONS,
    subject: late,
    checks: ['precision', 'bugs'],
  });
  t.is(verdict, 'wrong');
  t.is(precision.class, 'none');
  t.true(
    cases.every((each) => each.verdict === 'wrong' && /^log-probability of token/.test(each.first!.what)),
  );
});

test.serial('a difference beyond the rules of f32 is wrong, though no class is left', async (t) => {
  const off = changedEngine((model) => ({
    async forward(request) {
      const { rows, hidden } = await model.forward(request);
      const moved = hidden?.slice();
      if (moved) moved[1] += 0.5;
      return { rows, ...(moved ? { hidden: moved } : {}) };
    },
  }));
  const { verdict, precision, reasons } = await verify({ ...OPTIONS, subject: off, checks: ['precision'] });
  t.is(precision.class, 'f32', 'scores are those of f32');
  t.is(verdict, 'wrong');
  t.regex(reasons[0], /parts from the goldens at hidden_states\.0, position 0/);
});

test.serial('only the checks that are chosen are made, and the others are named', async (t) => {
  const verdict = await verify({ ...OPTIONS, checks: ['greedy'] });
  t.is(verdict.precision.class, null);
  t.deepEqual(verdict.bugs, []);
  t.deepEqual(verdict.consistency, []);
  t.is(verdict.greedy.verdict, 'right');
  t.is(verdict.unchecked.filter(({ why }) => why === '--checks leaves it out').length, 4);
});

test.serial('conversations are those of the model’s own prompts, where it has such', async (t) => {
  const messages = (content: string) => [{ role: 'user', content }];
  const promptsOf = (content: string) =>
    JSON.stringify({
      maxNewTokens: 4,
      prompts: [{ id: 'ids-short', category: 'multi-turn', messages: messages(content) }],
    });
  const folder = temporaryFolder(t);
  cpSync(join(GOLDEN_FOLDER, 'dense'), join(folder, 'dense'), { recursive: true });
  const manifest = join(folder, 'dense', 'manifest.json');
  writeFileSync(
    manifest,
    JSON.stringify({ ...JSON.parse(readFileSync(manifest, 'utf8')), cases: ['ids-short'] }),
  );
  writeFileSync(join(folder, 'prompts.json'), promptsOf('common'));
  const loaded = async () => {
    const model = { ...MODEL, golden: { name: 'dense', folder } };
    const { cases, stored } = await loadCases(model);
    t.true(stored);
    return cases.map(({ conversation }) => conversation?.messages);
  };
  t.deepEqual(await loaded(), [messages('common')]);
  writeFileSync(join(folder, 'dense', 'prompts.json'), promptsOf('own'));
  t.deepEqual(await loaded(), [messages('own')]);
});

test.serial('prompts of the user are continued by our engine, which is then the reference', async (t) => {
  const prompts = {
    maxNewTokens: 4,
    prompts: [{ id: 'mine', category: 'short' as const, ids: [5, 6, 7, 8, 9] }],
  };
  const cases = await loadCases(MODEL, { prompts });
  const verdict = await verify({ ...OPTIONS, cases, checks: ['precision', 'greedy'] });
  t.is(verdict.reference.kind, 'engine');
  t.deepEqual(
    verdict.cases.map(({ id }) => id),
    ['mine'],
  );
  t.is(verdict.verdict, 'right', verdict.reasons.join());
});

test.serial(
  'a selection of nothing is wrong usage, and a subject that cannot be loaded says why',
  async (t) => {
    await t.throwsAsync(loadCases(MODEL, { run: ['none'] }), { instanceOf: UsageError });
    const dead: Subject = {
      info: { name: 'dead' },
      load: () => Promise.reject(new NoAnswerError('it did not start')),
    };
    await t.throwsAsync(verify({ ...OPTIONS, subject: dead }), { instanceOf: NoAnswerError });
  },
);

test.serial('an engine is reached before what is right is computed, and once', async (t) => {
  const told: string[] = [];
  const reached: string[] = [];
  const gone = new NoAnswerError('nothing listens');
  const subject: Subject = {
    info: { name: 'server' },
    async reach(dir) {
      reached.push(dir);
      throw gone;
    },
    load: () => t.fail('it is not loaded') as never,
  };
  const onProgress = (text: string) => told.push(text);
  t.is(await t.throwsAsync(verify({ ...OPTIONS, subject, onProgress })), gone);
  t.deepEqual(reached, [modelDir]);
  t.deepEqual(told, ['asking server'], 'nothing else is done first');

  const controller = new AbortController();
  const silent: Subject = {
    ...subject,
    reach: () => {
      controller.abort(new Error('interrupted by SIGINT'));
      return new Promise(() => {});
    },
  };
  const verdict = await verify({ ...OPTIONS, subject: silent, signal: controller.signal });
  t.deepEqual(verdict.reasons, ['stopped after 0 of 4 cases: interrupted by SIGINT']);
});

test.serial('a run that is stopped tells what was done until then, and the model is closed', async (t) => {
  const controller = new AbortController();
  let [calls, closed] = [0, 0];
  const subject = changedEngine((model) => ({
    capabilities: { ...model.capabilities, maxConcurrency: 1 },
    // The third case is never answered, whatever the signal says.
    forward: (request) => {
      if (++calls < 3) return model.forward(request);
      controller.abort(new Error('interrupted by SIGINT'));
      return new Promise(() => {});
    },
    async close() {
      closed++;
      await model.close();
    },
  }));
  const verdict = await verify({ ...OPTIONS, subject, signal: controller.signal });
  t.deepEqual(verdictSchema.parse(verdict), verdict);
  t.is(closed, 1);
  t.is(verdict.verdict, 'unknown');
  t.deepEqual(verdict.reasons, ['stopped after 2 of 4 cases: interrupted by SIGINT']);
  const ids = OPTIONS.cases.cases.map(({ id }) => id);
  t.deepEqual(
    verdict.cases.map(({ id, verdict: each }) => [id, each]),
    ids.slice(0, 2).map((id) => [id, 'right']),
  );
  const why = 'the run was stopped before';
  for (const what of [`2 cases: ${ids.slice(2).join(', ')}`, 'consistency']) {
    t.true(
      verdict.unchecked.some((each) => each.what === what && each.why === why),
      what,
    );
  }
});

test.serial('a run that is stopped before anything was asked has a verdict too', async (t) => {
  const verdict = await verify({ ...OPTIONS, signal: AbortSignal.abort(new Error('stopped')) });
  t.deepEqual(verdictSchema.parse(verdict), verdict);
  t.like(verdict, {
    verdict: 'unknown',
    reasons: ['stopped after 0 of 4 cases: stopped'],
    subject: { name: 'plumbline' },
    unchecked: [{ what: 'everything', why: 'the run was stopped before' }],
  });
});

test.serial(
  'a case without recorded signatures is judged otherwise, and named with the command',
  async (t) => {
    const folder = temporaryFolder(t);
    cpSync(join(GOLDEN_FOLDER, 'dense'), join(folder, 'dense'), { recursive: true });
    cpSync(join(GOLDEN_FOLDER, 'prompts.json'), join(folder, 'prompts.json'));
    const path = join(folder, 'dense', 'signatures.json');
    const recorded = JSON.parse(readFileSync(path, 'utf8'));
    // As if a case were new, and a bug too.
    const cases = Object.entries(recorded.cases).map(([id, rows]) => [id === 'ids-short' ? 'old' : id, rows]);
    const { 'eps-x10': _, ...bugs } = recorded.bugs;
    writeFileSync(path, JSON.stringify({ ...recorded, cases: Object.fromEntries(cases), bugs }));
    const model = { ...MODEL, golden: { name: 'dense', folder } };
    const verdict = await verify({
      ...OPTIONS,
      model,
      cases: await loadCases(model, { run: ['ids-short', 'ids-one', 'ids-longer', 'ids-block'] }),
      checks: ['precision', 'bugs'],
    });
    t.is(verdict.verdict, 'right', verdict.reasons.join());
    t.true(verdict.bugs.filter((bug) => bug.verdict === 'ruled out').length > 40);
    const why = (of: string) =>
      `the signatures of ${of} are not recorded; record them: npm run signatures -- dense`;
    t.like(
      verdict.unchecked.filter(({ what }) => what.startsWith('known bugs')),
      [
        { what: 'known bugs in ids-short', why: why('these cases') },
        { what: 'known bugs eps-x10', why: why('these bugs') },
      ],
    );
  },
);
