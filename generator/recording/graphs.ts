import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { FIXTURES } from '../fixtures/fixture-specs.ts';
import { ensureFixture } from '../fixtures/fixtures.ts';
import type { MakingProgress } from '../fixtures/large-checkpoint.ts';
import { ensureWholeFolder } from '../fixtures/whole-folder.ts';
import { linkOrCopy } from '../onnx/link.ts';
import { writeOnnxGraph } from '../onnx/write.ts';

/**
 * Our graphs of a checkpoint in its `onnx/` folder, by what they are for; names as transformers.js wants
 * them.
 */
export const GRAPHS = {
  /** What the reference runs: logits and cache alone. */
  reference: 'model',
  /** The same with all stages as outputs. */
  tapped: 'model_tapped',
  /** Tapped, in float64. */
  float64: 'model_float64',
} as const;

/** To be raised when the same checkpoint gets other graphs. */
export const GRAPHS_VERSION = 1;

/**
 * Writes the three graphs of a checkpoint beside it. @throws ConfigError, CheckpointError, FileError as its
 * readers do.
 */
export async function writeGraphs(modelDir: string): Promise<void> {
  await writeOnnxGraph({ modelDir, precision: 'float32', taps: false, fileName: GRAPHS.reference });
  await writeOnnxGraph({ modelDir, precision: 'float32', taps: true, fileName: GRAPHS.tapped });
  await writeOnnxGraph({ modelDir, precision: 'float64', taps: true, fileName: GRAPHS.float64 });
}

/**
 * Makes a fixture with its graphs, or finds it where an earlier run made it. Only who runs the reference
 * needs this: the folder lies beside the fixture's own, and has links to its files.
 *
 * @returns a model directory with `onnx/`. A tokenizer is in it only if it is Qwen3's own: the goldens of the
 * other fixtures are of ids.
 * @throws as `ensureFixture` does.
 */
export async function ensureFixtureGraphs(
  name: string,
  folder?: string,
  onProgress?: MakingProgress,
): Promise<string> {
  const fixture = await ensureFixture(name, folder, onProgress);
  const modelDir = `${fixture}-graphs-${GRAPHS_VERSION}`;
  await ensureWholeFolder(modelDir, async (unfinished) => {
    const files = readdirSync(fixture).filter(
      (file) => FIXTURES[name].tokenizer || !file.startsWith('tokenizer'),
    );
    for (const file of files) await linkOrCopy(join(fixture, file), join(unfinished, file));
    await writeGraphs(unfinished);
  });
  return modelDir;
}
