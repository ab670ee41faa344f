import type { StepPlan } from '../../../engine/distributed/step-plan.ts';
import type { BenchContext, SuiteResult } from '../context.ts';
import type { Measurement } from '../figure.ts';
import { seededPrompt } from '../workload.ts';
import { runTraffic } from './run-ranks.ts';
import { SHARDED, TP } from './sharded.ts';
import { stepBytes } from './step-bytes.ts';
import { planOf } from './step-traffic.ts';

/** The engine's default prefill chunk. */
const CHUNK = 128;

/** Bytes that all ranks send together for a token; the limit is the formula, which the count equals. */
export async function traffic({ profile, config, modelDir, report }: BenchContext): Promise<SuiteResult> {
  const { batches, promptTokens } = profile.parallel;
  const prompt = (length: number) => seededPrompt(length, config.vocabSize, 'traffic');
  const steps: [variant: string, plan: StepPlan][] = [
    ...batches.map((batch): [string, StepPlan] => [
      `decode, batch ${batch}`,
      planOf(prompt(batch).map((id) => ({ past: promptTokens, ids: [id] }))),
    ]),
    [`prefill of ${CHUNK}`, planOf([{ past: 0, ids: prompt(CHUNK) }])],
  ];
  report(`parallel: bytes sent by ${TP} ranks`);
  const plans = steps.map(([, plan]) => plan);
  let sent: number[][];
  try {
    sent = await runTraffic(TP, { name: 'traffic', modelDir, plans });
  } catch (error) {
    return { measurements: [], skipped: [{ subject: SHARDED, reason: (error as Error).message }] };
  }
  const measurements = steps.map(([variant, plan], step): Measurement => {
    const numTokens = plan.spans.reduce((sum, { ids }) => sum + ids.length, 0);
    const kilobytes = (bytes: number) => bytes / numTokens / 1000;
    return {
      task: 'bytes sent per token',
      variant,
      subject: SHARDED,
      unit: 'kB',
      better: 'lower',
      samples: [kilobytes(sent[step].reduce((sum, bytes) => sum + bytes, 0))],
      limit: { value: kilobytes(stepBytes(config, plan, TP)), from: 'the formula' },
    };
  });
  return { measurements, skipped: [] };
}
