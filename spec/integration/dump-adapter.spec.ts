import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { readModelConfig } from '../../engine/checkpoint/read-config.ts';
import { writeSafetensors } from '../../engine/checkpoint/safetensors-writer.ts';
import { Engine } from '../../engine/index.ts';
import { ensureFixture } from '../../generator/fixtures/fixtures.ts';
import { casesJson, dumpCases } from '../../golden/dump-layout.ts';
import { readPrompts } from '../../golden/goldens.ts';
import { storedCases } from '../../golden/verify-case.ts';
import { dumpSubject } from '../../verify/adapters/dump/dump-subject.ts';
import { engineModel } from '../../verify/adapters/engine.ts';
import { askCases } from '../../verify/ask/ask-cases.ts';
import { temporaryFolder } from '../support/processes/cleanup.ts';

test('answers that are written by the layout are judged as the engine itself that has written them', async (t) => {
  const modelDir = await ensureFixture('dense');
  const sizes = await readModelConfig(modelDir);
  const cases = storedCases('dense', readPrompts().prompts);
  const engine = engineModel(await Engine.load(modelDir));
  t.teardown(() => engine.close());
  const asked = await askCases(engine, cases, { sizes, concurrency: 1 });

  const folder = temporaryFolder(t);
  const dump = dumpCases('dense', cases);
  writeFileSync(join(folder, 'cases.json'), casesJson(dump));
  for (const { case: each, forward, generated } of asked) {
    const answer =
      generated.kind === 'result' ? { tokens: generated.value.tokens } : { error: generated.message };
    writeFileSync(join(folder, `${each.id}.json`), JSON.stringify(answer));
    if (forward.kind !== 'result') continue;
    const { rows, hidden } = forward.value;
    const logits = Float32Array.from(rows.flatMap(({ values }) => [...values]));
    const length = each.promptIds.length + each.greedy.length;
    const hiddenShape = [sizes.numHiddenLayers + 2, length, sizes.hiddenSize];
    const tensors = new Map([
      ['logits', { dtype: 'F32', shape: [rows.length, sizes.vocabSize], data: logits }],
      ['hidden', { dtype: 'F32', shape: hiddenShape, data: hidden! }],
    ]);
    writeSafetensors(join(folder, `${each.id}.safetensors`), tensors);
  }

  const written = await dumpSubject(folder, dump).load(modelDir);
  const answers = await askCases(written, cases, { sizes, concurrency: 4 });
  for (const [i, { case: each, forward, generated }] of answers.entries()) {
    const expected = asked[i];
    t.is(generated.kind, expected.generated.kind, each.id);
    if (expected.forward.kind === 'result') t.deepEqual(forward, expected.forward, each.id);
    else t.is(forward.kind, 'error', each.id);
    if (generated.kind === 'result' && expected.generated.kind === 'result') {
      t.deepEqual(generated.value.tokens, expected.generated.value.tokens, each.id);
    }
  }
});
