import test from 'ava';
import { createScalarKernels, Engine, readModelConfig } from '../../../../engine/index.ts';
import { type AttendOptions, attend } from '../../../../verify/reference/attend.ts';
import { roundToBf16 } from '../../../../verify/reference/rounding.ts';
import { tapKernels } from '../../../../verify/reference/tapped-kernels.ts';
import { trackResources } from '../../../support/processes/cleanup.ts';
import { denseModel, modelDirectory } from '../../engine/tiny-models.ts';

trackResources(test);

const IDS = [3, 1, 4, 1, 5, 9, 2, 6];

async function logitsOf(dir: string, options?: AttendOptions): Promise<Float32Array[]> {
  const tapped = tapKernels(createScalarKernels(), await readModelConfig(dir), {
    attention: (call) => (options ? attend(call, options) : call.compute()),
  });
  const engine = await Engine.load(dir, { kernels: tapped, cacheTokens: 32, prefixCaching: false });
  const { logits } = engine.forward(IDS);
  await engine.close();
  return IDS.map((_, i) => logits.slice(i * 19, (i + 1) * 19));
}

/** The rows that are not the engine's own. */
async function changed(dir: string, options: AttendOptions): Promise<number[]> {
  const [own, other] = [await logitsOf(dir), await logitsOf(dir, options)];
  const far = (r: number) => own[r].some((value, i) => Math.abs(value - other[r][i]) > 1e-4);
  return [...own.keys()].filter(far);
}

test('attention as it should be is the engine’s', async (t) => {
  t.deepEqual(await changed(modelDirectory(t, denseModel()), {}), []);
});

test('what a row does not see changes that row and those after it', async (t) => {
  const dir = modelDirectory(t, denseModel());
  const window = (row: number, position: number) => position <= row && position > row - 4;
  t.deepEqual(await changed(dir, { sees: window }), [4, 5, 6, 7]);
  t.deepEqual(await changed(dir, { storedAt: (position) => (position === 5 ? 0 : position) }), [5, 6, 7]);
});

test('scale, key-value heads and roundings are those that are asked for', async (t) => {
  const dir = modelDirectory(t, denseModel());
  const all = [1, 2, 3, 4, 5, 6, 7];
  t.deepEqual(await changed(dir, { scale: 1 }), all);
  t.deepEqual(await changed(dir, { keyHeadOf: (head) => head % 2 }), [0, ...all]);
  t.deepEqual(await changed(dir, { round: roundToBf16 }), all);
});
