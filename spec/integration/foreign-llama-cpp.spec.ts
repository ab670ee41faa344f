import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { ensureFixture } from '../../generator/fixtures/fixtures.ts';
import { loadCases } from '../../verify/index.ts';
import { foundBugs } from '../../verify/judge/bug-verdicts.ts';
import { judgePrompts } from '../../verify/prompts/judge-prompts.ts';
import { loadModelText } from '../../verify/prompts/prompt-tools.ts';
import { nodeLlamaCpp } from '../support/llama-cpp/install.ts';
import { llamaCpp, llamaCppTokenizer } from '../support/llama-cpp/subject.ts';
import { trackResources } from '../support/processes/cleanup.ts';
import { checkRight, copyOfDense, judgeForeign } from '../support/verify/judge-foreign.ts';

trackResources(test);

const FEW = ['ids-short', 'ids-one', 'ids-block', 'ids-longer'];

const HONEST = [
  { weights: 'f32', attendsInF32: true, is: 'f32' },
  { weights: 'bf16', attendsInF32: false, is: 'bf16' },
  { weights: 'q8_0', attendsInF32: false, is: '8bit' },
] as const;

for (const { weights, attendsInF32, is } of HONEST) {
  test.serial(`llama.cpp with ${weights} weights is right as ${is}, also behind servers`, async (t) => {
    const found = await nodeLlamaCpp(t);
    if (!found) return;
    const subject = llamaCpp(found, { weights, attendsInF32 });
    const verdicts = [
      ...(await judgeForeign(t, subject, ['in process'], { model: 'dense', run: FEW })),
      ...(await judgeForeign(t, subject, ['vllm', 'llama-server'], {
        ...{ model: 'dense', run: FEW, checks: ['precision', 'bugs', 'greedy'] },
      })),
    ];
    checkRight(t, verdicts, is);
  });
}

test.serial("llama.cpp's own attention makes f16 of f32 weights", async (t) => {
  const found = await nodeLlamaCpp(t);
  if (!found) return;
  const subject = llamaCpp(found, { weights: 'f32' });
  const question = { model: 'dense', run: FEW, checks: ['precision', 'greedy'] } as const;
  const [[, { verdict, precision }]] = await judgeForeign(t, subject, ['in process'], question);
  t.is(verdict, 'right');
  t.is(precision.class, 'f16');
});

test.serial('llama.cpp on a file with another RoPE base is wrong, and the bug is named', async (t) => {
  const found = await nodeLlamaCpp(t);
  if (!found) return;
  const { rope_theta } = JSON.parse(readFileSync(join(await ensureFixture('dense'), 'config.json'), 'utf8'));
  const modelDir = await copyOfDense(t, { rope_theta: 10 * rope_theta });
  for (const [weights, way] of [
    ['f32', 'llama-server'],
    ['bf16', 'in process'],
    ['q8_0', 'vllm'],
  ] as const) {
    const subject = llamaCpp(found, { weights, folder: modelDir });
    const question = { model: 'dense', run: FEW, checks: ['precision', 'bugs'], loads: modelDir } as const;
    const [[, verdict]] = await judgeForeign(t, subject, [way], question);
    const named = foundBugs(verdict.bugs).map(({ name }) => name);
    t.is(verdict.verdict, 'wrong', `${weights}, ${way}`);
    t.deepEqual(named, ['rope-theta-x10'], `${weights}, ${way}`);
    t.regex(verdict.reasons[0], /^bug rope-theta-x10/);
  }
});

test.serial(
  'llama.cpp computes the exported mixture, whose dense layer is written as equal experts',
  async (t) => {
    const found = await nodeLlamaCpp(t);
    if (!found) return;
    const subject = llamaCpp(found, { weights: 'f32', attendsInF32: true });
    const question = { model: 'moe', run: FEW, checks: ['precision', 'greedy'] } as const;
    const [[, { verdict, reasons, precision }]] = await judgeForeign(t, subject, ['in process'], question);
    t.is(verdict, 'right', reasons.join('; '));
    t.is(precision.class, 'f32');
  },
);

test.serial(
  'llama.cpp cuts texts as HuggingFace does by the exported tokenizer, but does not normalise to NFC',
  async (t) => {
    const found = await nodeLlamaCpp(t);
    if (!found) return;
    const modelDir = await ensureFixture('dense-bf16');
    const tokenizer = await llamaCppTokenizer(found, modelDir);
    t.teardown(() => tokenizer.close());
    const golden = { name: 'dense-bf16' };
    const { cases } = await loadCases({ name: 'dense-bf16', source: 'fixture', modelDir, golden });
    const { cases: judged } = await judgePrompts(tokenizer, cases, await loadModelText(modelDir));
    t.true(judged.length > 30);
    const wrong = judged.filter(({ verdict }) => verdict !== 'right');
    t.deepEqual(
      wrong.map(({ id, cause }) => [id, cause]),
      [['edge-combining', 'the text was not normalised to NFC']],
    );
  },
);
