import test, { type ExecutionContext } from 'ava';
import { ModelDirectory } from '../../../../engine/checkpoint/model-directory.ts';
import { agreeOnModel, describeWeights } from '../../../../engine/distributed/model-agreement.ts';
import { NO_TIMEOUT } from '../../../../engine/distributed/step-plan.ts';
import { readPackageJson } from '../../../../engine/terminal/package-json.ts';
import { closing, trackResources } from '../../../support/processes/cleanup.ts';
import { makeModel, type TinyModel } from '../../../support/properties/arbitraries.ts';
import { DENSE_CONFIG, denseModel, modelDirectory } from '../tiny-models.ts';

trackResources(test);

const open = async (t: ExecutionContext, model: TinyModel) =>
  closing(t, await ModelDirectory.open(modelDirectory(t, model)));
const describe = async (t: ExecutionContext, model: TinyModel) =>
  describeWeights((await open(t, model)).checkpoint);

test('the ranks agree on version, configuration and weights', async (t) => {
  const directory = await open(t, denseModel());
  const agreed: unknown[][] = [];
  agreeOnModel({ agree: (...args) => agreed.push(args) }, directory);
  t.deepEqual(agreed, [
    // The first to come may wait for any time; then all are there.
    ['version', readPackageJson().version, NO_TIMEOUT],
    ['config', JSON.stringify(directory.config)],
    ['weights', describeWeights(directory.checkpoint)],
  ]);
});

test('copies of a model are the same model', async (t) => {
  t.is(await describe(t, denseModel()), await describe(t, denseModel()));
});

test('the sample of a weight is from its middle: many begin with the same values', (t) => {
  const read: unknown[] = [];
  const weight = (bytes: number) => ({
    file: { readInto: (_: string, offset: number, sample: Uint8Array) => read.push([offset, sample.length]) },
    info: { dtype: 'F32', shape: [bytes / 4], begin: 1000, end: 1000 + bytes },
  });
  const tensors = new Map([1024, 260, 256, 8].map((bytes) => [`${bytes}`, weight(bytes)]));
  describeWeights({ tensors } as never);
  t.deepEqual(read, [
    [384, 256],
    [2, 256],
    [0, 256],
    [0, 8],
  ]);
});

test('weights of other names are another model', async (t) => {
  const { tensors } = (await open(t, denseModel())).checkpoint;
  const describeAs = (prefix: string) => {
    const file = { readInto: () => {} };
    const named = [...tensors].map(([name, { info }]) => [prefix + name, { info, file }] as const);
    return describeWeights({ tensors: new Map(named) } as never);
  };
  t.not(describeAs(''), describeAs('other.'));
});

for (const [what, other] of [
  ['values', makeModel(DENSE_CONFIG, 'F32', 8)],
  ['types', denseModel({}, 'BF16')],
  ['shapes', denseModel({ vocab_size: 20 })],
] as const) {
  test(`weights of other ${what} are another model`, async (t) => {
    t.not(await describe(t, denseModel()), await describe(t, other));
  });
}
