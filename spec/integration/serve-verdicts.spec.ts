import test from 'ava';
import { QUICK_FIXTURES } from '../../generator/fixtures/fixture-specs.ts';
import { ensureFixture } from '../../generator/fixtures/fixtures.ts';
import { httpSubject } from '../../verify/adapters/http/http-subject.ts';
import { loadCases, type VerifyModel, verify } from '../../verify/verify.ts';
import { trackResources } from '../support/processes/cleanup.ts';
import { startServe } from '../support/servers/plumbline-serve.ts';

trackResources(test);

/** Short cases, since what is right about them is computed first. Those of ids have no prompts to compare. */
const RUN: Readonly<Record<string, readonly string[]>> = {
  'dense-bf16': ['short-capital', 'chat-no-thinking', 'ids-short'],
  peaked: ['short-capital', 'chat-no-thinking', 'ids-first-and-last'],
};
const RUN_IDS = ['ids-one', 'ids-short', 'ids-block'];

for (const name of QUICK_FIXTURES) {
  test.serial(`${name}: plumbline serve is right, to the bit, by every check`, async (t) => {
    const modelDir = await ensureFixture(name);
    const served = await startServe(modelDir, '--threads', '1');
    try {
      const model: VerifyModel = { name, source: 'fixture', modelDir, golden: { name } };
      const run = RUN[name] ?? RUN_IDS;
      const verdict = await verify({
        ...{ model, subject: httpSubject({ url: served.url.replace(/\/v1$/, '') }), adapter: '--url' },
        ...{ cases: await loadCases(model, { run }), precision: 'f32' },
      });
      t.is(verdict.verdict, 'right', verdict.reasons.join());
      t.is(verdict.subject.name, 'Plumbline');
      t.is(verdict.precision.ratio, 0, 'scores are those of our engine in this process');
      t.deepEqual(
        verdict.cases.map(({ id, verdict: found }) => [id, found]),
        run.map((id) => [id, 'right']),
      );
      const texts = run.filter((id) => !id.startsWith('ids-'));
      t.deepEqual(
        verdict.prompt.cases.map(({ id, verdict: found }) => [id, found]),
        texts.map((id) => [id, 'right']),
      );
      t.true(verdict.consistency.length === 7, JSON.stringify(verdict.unchecked));
      for (const { name: check, equalBits } of verdict.consistency) t.true(equalBits, check);
      t.deepEqual(verdict.power.missed, []);
      t.true(verdict.power.of >= 9 && verdict.compared.rows >= 40);
    } finally {
      t.deepEqual(await served.end().then(({ exitCode }) => exitCode), 0);
    }
  });
}
