import { readdirSync } from 'node:fs';
import test from 'ava';
import { Engine } from '../../../../engine/index.ts';
import { loadHiddenReference, rowRms } from '../../../../verify/reference/hidden-reference.ts';
import { closing, temporaryFolder, trackResources } from '../../../support/processes/cleanup.ts';
import { denseModel, modelDirectory } from '../../engine/tiny-models.ts';

trackResources(test);

const IDS = [3, 1, 4, 1, 5];
const CASES = [{ id: 'one', ids: IDS, promptLength: 4, positions: [1, 3] }];

test('hidden states are those of our engine, their noise is that of the class, and both are kept', async (t) => {
  const dir = modelDirectory(t, denseModel());
  const folder = temporaryFolder(t);
  const engine = closing(t, await Engine.load(dir));
  const { config } = engine;
  const told: string[] = [];
  const load = (precision: 'f32' | 'bf16', cases = CASES) =>
    loadHiddenReference(dir, cases, { config, precision, folder, onProgress: (what) => told.push(what) });
  const first = await load('bf16');
  const { truth, noise } = first.get('one')!;
  const { hidden } = engine.forward(IDS, { hidden: true });
  const { hiddenSize } = config;
  const row = (stage: number, position: number) => {
    const begin = (stage * IDS.length + position) * hiddenSize;
    return hidden!.subarray(begin, begin + hiddenSize);
  };
  t.is(truth.length, (config.numHiddenLayers + 2) * 2 * hiddenSize);
  t.deepEqual(truth.subarray(0, hiddenSize), row(0, 1));
  t.deepEqual(truth.subarray(3 * hiddenSize, 4 * hiddenSize), row(1, 3));
  t.deepEqual(told, ['hidden states, and their noise at bf16']);
  t.deepEqual(await load('bf16'), first);
  t.is(told.length, 1, 'the second time they are read');
  const exact = (await load('f32')).get('one')!;
  t.deepEqual(exact.truth, truth);
  t.true(exact.noise.every((value, r) => value <= noise[r] / 100 || noise[r] === 0));
  // bf16 has 8 significant bits.
  const relative = noise.at(-1)! / rowRms(truth, undefined, hiddenSize).at(-1)!;
  t.true(relative > 2 ** -9 && relative < 2 ** -4, `${relative}`);
  await load('bf16', [{ ...CASES[0], positions: [2] }]);
  t.is(readdirSync(folder).length, 3);
});

test('the RMS of rows is that of their differences', (t) => {
  t.deepEqual([...rowRms(Float32Array.of(3, 4, 1, 1), Float32Array.of(0, 0, 1, 1), 2)], [Math.sqrt(12.5), 0]);
  t.deepEqual([...rowRms(Float32Array.of(3, 4), undefined, 2)], [Math.sqrt(12.5)]);
});
