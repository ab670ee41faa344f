import { readModelConfig } from '../../../engine/checkpoint/read-config.ts';
import { hashFiles } from '../../../generator/recording/models.ts';
import { GOLDEN_FOLDER, readCase, readManifest, readTensors } from '../../../golden/goldens.ts';
import { compareCase } from '../../../verify/compare/case.ts';
import type { SubjectModel } from '../../../verify/subject.ts';

/**
 * Holds a subject to the goldens of a model that lies anywhere, as a real one does in the cache of the hub.
 *
 * @param name of the folder of goldens.
 * @returns a line for each file that is not the one that the goldens were recorded from, or else for each
 * case in which the subject differs from its golden.
 */
export async function differencesFromGoldens(
  subject: SubjectModel,
  modelDir: string,
  name: string,
  folder: string = GOLDEN_FOLDER,
): Promise<string[]> {
  const manifest = readManifest(name, folder);
  const found = await hashFiles(modelDir);
  // The graph is the reference's, and may lie elsewhere.
  const others = Object.entries(manifest.sha256).filter(
    ([file, hash]) => !file.startsWith('onnx/') && found[file] !== hash,
  );
  if (others.length > 0) {
    return others.map(([file, hash]) => `${file} has SHA-256 ${found[file]}, the goldens are of ${hash}`);
  }
  const config = await readModelConfig(modelDir);
  const lines: string[] = [];
  for (const id of manifest.cases) {
    const recorded = readCase(name, id, folder);
    // Cases that the reference refuses are tested on fixtures.
    if ('refusal' in recorded) continue;
    const tensors = readTensors(name, id, folder);
    const [first] = (await compareCase({ recorded, tensors }, manifest, config, subject)).differences;
    if (!first) continue;
    const { what, position, index, got, expected, tolerance } = first;
    lines.push(
      `${id}: differs from the golden first at ${what}, position ${position}, index ${index}: ` +
        `got ${got}, expected ${expected}, tolerance ${tolerance}`,
    );
  }
  return lines;
}
