/**
 * `npm run inspect -- --model NAME --case ID`: runs the engine and the reference over one golden's prompt, stage by
 * stage, and shows where they part and which of them the float64 twin agrees with.
 */
import { Engine } from '../engine/index.ts';
import { runCommand } from '../engine/terminal/command.ts';
import { exitOnOutputError } from '../engine/terminal/output.ts';
import { ensureFixture } from '../generator/fixtures/fixtures.ts';
import { tapNames } from '../generator/onnx/taps.ts';
import { openModel } from '../generator/recording/models.ts';
import { readCase } from '../golden/goldens.ts';
import { compareStage, formatStages } from './stages.ts';

async function inspect(model: string, id: string): Promise<string> {
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

exitOnOutputError('inspect');
process.exitCode = await runCommand({
  name: 'inspect',
  define: (program) => {
    program
      .description('Show, stage by stage, where the engine and the reference differ on one golden case.')
      .requiredOption('--model <name>', 'inspect this fixture')
      .requiredOption('--case <id>', 'inspect this case of its goldens')
      .action(async ({ model, case: id }: { model: string; case: string }) => {
        process.stdout.write(await inspect(model, id));
      });
  },
  argv: process.argv.slice(2),
  stdout: process.stdout,
  stderr: process.stderr,
});
