import test from 'ava';
import { Engine } from '../../../engine/index.ts';
import type { VerifyCase } from '../../../golden/verify-case.ts';
import type { AskedCase } from '../../../verify/ask/ask-cases.ts';
import { hiddenMaps } from '../../../verify/hidden-map.ts';
import { closing, temporaryFolder, trackResources } from '../../support/processes/cleanup.ts';
import { denseModel, modelDirectory } from '../engine/tiny-models.ts';

trackResources(test);

const CASE: VerifyCase = { id: 'one', promptIds: [3, 1, 4, 1], greedy: [5, 9], positions: [0, 2, 3, 5] };
const IDS = [3, 1, 4, 1, 5, 9];

test('a map has the error of each stage over the noise, and where it begins to stay', async (t) => {
  const dir = modelDirectory(t, denseModel());
  const engine = closing(t, await Engine.load(dir));
  const { hiddenSize, numHiddenLayers } = engine.config;
  const { hidden } = engine.forward(IDS, { hidden: true });
  const skipped = { kind: 'skipped', message: '' } as const;
  const asked = (states?: Float32Array): AskedCase => ({
    case: CASE,
    forward: { kind: 'result', value: { rows: [], ...(states ? { hidden: states } : {}) } },
    generated: skipped,
  });
  const folder = temporaryFolder(t);
  const computed: string[] = [];
  const maps = (states?: Float32Array) =>
    hiddenMaps(dir, {
      ...{ asked: [asked(states)], precision: 'f32', folder },
      onProgress: (what) => computed.push(what),
    });
  const mapOf = async (states: Float32Array) => (await maps(states)).get('one')!;
  const at = (stage: number, position: number) => (stage * IDS.length + position) * hiddenSize;
  const exact = await mapOf(hidden!);
  t.is(exact.stages.length, numHiddenLayers + 2);
  t.deepEqual(
    exact.ratios,
    exact.stages.map(() => [0, 0, 0, 0]),
  );
  t.is(exact.first, undefined);
  const broken = hidden!.slice();
  broken[at(0, 2)] += 1;
  for (const stage of [1, 2, 3]) for (const position of [3, 4, 5]) broken[at(stage, position)] += 1;
  const { ratios, first } = await mapOf(broken);
  t.like(first, { stage: 'hidden_states.1', position: 3 });
  t.is(first!.ratio, ratios[1][2]);
  t.true(ratios[0][1] > 5, 'the error that does not stay is in the map all the same');
  t.deepEqual(
    ratios.map((row) => row[0]),
    [0, 0, 0, 0],
  );
  const stray = hidden!.slice();
  stray[at(1, 2)] += 1;
  t.is((await mapOf(stray)).first, undefined, 'an error that later stages do not have');
  t.is((await maps()).size, 0);
  t.deepEqual(computed, ['hidden states, and their noise at f32'], 'once for all of them');
});
