import test from 'ava';
import { Engine } from '../../../../engine/index.ts';
import { computeRows } from '../../../../verify/reference/rows.ts';
import { trackResources } from '../../../support/processes/cleanup.ts';
import { denseModel, modelDirectory } from '../../engine/tiny-models.ts';

trackResources(test);

const CASES = [
  { id: 'long', ids: Array.from({ length: 40 }, (_, i) => i % 19), promptLength: 30, positions: [0, 17, 39] },
  { id: 'short', ids: [2, 3], promptLength: 1, positions: [1] },
];

test('rows are the engine’s own bits, of each case in turn', async (t) => {
  const dir = modelDirectory(t, denseModel());
  const told: string[] = [];
  const rows = await computeRows(dir, CASES, (logits, { id }, i) => ({ id, i, logits: logits.slice() }), {
    onCase: ({ id }) => told.push(id),
  });
  const engine = await Engine.load(dir);
  for (const { id, ids, positions } of CASES) {
    const { logits } = engine.forward(ids, { positions });
    t.deepEqual(
      rows.get(id),
      positions.map((_, i) => ({ id, i, logits: logits.slice(i * 19, (i + 1) * 19) })),
    );
  }
  await engine.close();
  t.deepEqual(told, ['long', 'short']);
});
