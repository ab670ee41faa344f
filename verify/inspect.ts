/**
 * `npm run inspect -- --model NAME --case ID`: runs the engine and the reference over one golden's prompt, stage by
 * stage, and shows where they part and which of them the float64 twin agrees with.
 */
import { Command } from 'commander';
import { Engine } from '../engine/index.ts';
import { ensureFixture } from '../generator/fixtures/fixtures.ts';
import { tapNames } from '../generator/onnx/taps.ts';
import { openModel } from '../generator/recording/models.ts';
import { readCase } from '../golden/goldens.ts';
import { compareStage, formatStages } from './stages.ts';

async function look(model: string, id: string): Promise<string> {
  const { ids } = readCase(model, id);
  const engine = await Engine.load(await ensureFixture(model));
  const opened = await openModel(model);
  try {
    const stages = new Map<string, Float32Array>();
    // A long prompt is computed in chunks, and every stage comes once for each.
    const observe = (stage: string, values: Float32Array) => {
      const before = stages.get(stage) ?? new Float32Array();
      const joined = new Float32Array(before.length + values.length);
      joined.set(before);
      joined.set(values, before.length);
      stages.set(stage, joined);
    };
    const { logits } = engine.forward(ids, { observe });
    stages.set('logits', logits);
    const reference = await opened.recorder.tapped!.forward(ids);
    const truth = await opened.recorder.twin!.forward(ids);
    reference.stages.set('logits', reference.logits);
    truth.stages.set('logits', truth.logits);
    const rows = [...tapNames(opened.recorder.config), 'logits'].map((name) => {
      const [a, b, c] = [stages.get(name)!, reference.stages.get(name)!, truth.stages.get(name)!];
      return compareStage({ name, engine: a, reference: b, truth: c }, ids.length);
    });
    return formatStages(rows);
  } finally {
    engine.close();
    await opened.close();
  }
}

const { model, case: id } = new Command('inspect')
  .description('Shows, stage by stage, where the engine and the reference part on one golden case.')
  .requiredOption('--model <name>', 'a fixture')
  .requiredOption('--case <id>', 'a case of its goldens')
  .parse()
  .opts<{ model: string; case: string }>();
try {
  process.stdout.write(await look(model, id));
} catch (error) {
  process.stderr.write(`inspect: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
