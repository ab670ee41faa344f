import test from 'ava';
import { ensureFixture } from '../../../generator/fixtures/fixtures.ts';
import type { Subject } from '../../../verify/subject.ts';
import { loadCases, type VerifyModel, type VerifyOptions, verify } from '../../../verify/verify.ts';
import { trackResources } from '../../support/processes/cleanup.ts';
import { changedEngine, OWN_ENGINE } from '../../support/verify/changed-engine.ts';

trackResources(test);

const modelDir = await ensureFixture('dense');
const MODEL: VerifyModel = { name: 'dense', source: 'fixture', modelDir, golden: { name: 'dense' } };
const OPTIONS: VerifyOptions = {
  subject: OWN_ENGINE,
  adapter: '--module own',
  model: MODEL,
  cases: await loadCases(MODEL, { run: ['ids-short', 'ids-longer'] }),
};

/** Our engine with a hidden state that the rules of f32 refuse. @param noise of its scores, in nats */
const inexact = (noise: number): Subject =>
  changedEngine((model) => ({
    async forward(request) {
      const { rows, hidden } = await model.forward(request);
      const moved = hidden?.slice();
      if (moved) moved[1] += 1e-3;
      const noisy = rows.map(({ values }) => ({
        values: values.map((value, i) => value + noise * Math.sin(1 + i * i)),
      }));
      return { rows: noisy, ...(moved ? { hidden: moved } : {}) };
    },
  }));

test.serial('an engine of which f32 is demanded is held to the goldens, whatever its class is', async (t) => {
  const options = { ...OPTIONS, subject: inexact(0.01), checks: ['precision'] } as const;
  const free = await verify(options);
  t.is(free.precision.class, 'f16');
  t.is(free.verdict, 'right', free.reasons.join());
  const demanded = await verify({ ...options, precision: 'f32' });
  t.is(demanded.verdict, 'wrong');
  for (const { id, first } of demanded.cases) t.like(first, { what: 'hidden_states.0', position: 0 }, id);
});

test.serial('an engine of which less is demanded than f32 is not held to the rules of f32', async (t) => {
  const options = { ...OPTIONS, subject: inexact(0), checks: ['precision'] } as const;
  t.is((await verify(options)).verdict, 'wrong', 'by the rules of f32');
  const { verdict, reasons } = await verify({ ...options, precision: 'bf16' });
  t.is(verdict, 'right', reasons.join());
});

test.serial('no more requests are on their way at a time than the user allows, in any check', async (t) => {
  for (const concurrency of [1, 2]) {
    let [running, most] = [0, 0];
    const counted = async <T>(answer: Promise<T>) => {
      most = Math.max(most, ++running);
      return await answer.finally(() => running--);
    };
    const subject = changedEngine((model) => ({
      forward: (request) => counted(model.forward(request)),
      generate: (request) => counted(model.generate(request)),
    }));
    const { verdict, reasons } = await verify({ ...OPTIONS, subject, concurrency });
    t.is(verdict, 'right', reasons.join());
    t.is(most, concurrency);
  }
});
