import test, { type ExecutionContext } from 'ava';
import { ModelDirectory } from '../../../../engine/checkpoint/model-directory.ts';
import { agreeOnModel, describeWeights } from '../../../../engine/distributed/model-agreement.ts';
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
  const agreed = new Map<string, unknown>();
  agreeOnModel({ agree: (name, value) => agreed.set(name, value) }, directory);
  t.deepEqual(
    [...agreed],
    [
      ['version', readPackageJson().version],
      ['config', JSON.stringify(directory.config)],
      ['weights', describeWeights(directory.checkpoint)],
    ],
  );
});

test('copies of a model are the same model', async (t) => {
  t.is(await describe(t, denseModel()), await describe(t, denseModel()));
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
