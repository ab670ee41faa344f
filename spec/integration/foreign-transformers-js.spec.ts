import test, { type ExecutionContext } from 'ava';
import { writeOnnxGraph } from '../../generator/onnx/write.ts';
import { foundBugs } from '../../verify/judge/bug-verdicts.ts';
import { trackResources } from '../support/processes/cleanup.ts';
import { transformersJs } from '../support/subjects/transformers-js.ts';
import { checkRight, copyOfDense, judgeForeign } from '../support/verify/judge-foreign.ts';

trackResources(test);

const DENSE = {
  model: 'dense',
  run: ['ids-short', 'ids-one', 'ids-block', 'ids-longer'],
  checks: ['precision', 'bugs', 'greedy'],
} as const;

/** A copy of the fixture with the graph that transformers.js takes as `q8`. */
async function quantized(t: ExecutionContext, changes: Record<string, unknown> = {}): Promise<string> {
  const modelDir = await copyOfDense(t, changes);
  await writeOnnxGraph({ modelDir, precision: 'float32', taps: false, quantization: 'int8' });
  return modelDir;
}

for (const [dtype, is] of [
  ['fp32', 'f32'],
  ['q8', '8bit'],
] as const) {
  test.serial(`transformers.js in ${dtype} is right as ${is}, also behind servers`, async (t) => {
    const question = dtype === 'q8' ? { ...DENSE, loads: await quantized(t) } : DENSE;
    const subject = transformersJs(dtype, { dtype });
    const verdicts = await judgeForeign(t, subject, ['in process', 'vllm', 'llama-server'], question);
    checkRight(t, verdicts, is);
  });
}

test.serial('transformers.js in q8 with another RoPE base is wrong, and the bug is named', async (t) => {
  const loads = await quantized(t, { rope_theta: 5e6 });
  const subject = transformersJs('q8', { dtype: 'q8' });
  for (const [way, { verdict, bugs }] of await judgeForeign(t, subject, ['in process', 'vllm'], {
    ...DENSE,
    loads,
  })) {
    t.is(verdict, 'wrong', way);
    const found = foundBugs(bugs).map(({ name }) => name);
    t.deepEqual(found, ['rope-theta-x10'], way);
  }
});
