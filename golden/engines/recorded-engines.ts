import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { SafetensorsFile } from '../../engine/checkpoint/safetensors.ts';

/** The folder of the recordings, this file's own. */
export const ENGINES_FOLDER = dirname(fileURLToPath(import.meta.url));

/** `engines.json`: what the recorded engines are. */
const enginesSchema = z.strictObject({
  /** What computed them. */
  source: z.string(),
  /** The likeliest tokens that are stored of each row. */
  shown: z.int().positive(),
  engines: z.record(
    z.string(),
    z.strictObject({
      /** What it is. */
      description: z.string(),
      /** The class that an honest engine is in. */
      precision: z.enum(['f32', 'f16', 'bf16', '8bit', '4bit']),
      /** A name of `verify/signatures/bugs.ts`; absent in an honest engine. */
      bug: z.string().optional(),
    }),
  ),
});
export type RecordedEngines = z.infer<typeof enginesSchema>;

/** What the engines are that were recorded on each fixture. */
export function readRecordedEngines(folder: string = ENGINES_FOLDER): RecordedEngines {
  return enginesSchema.parse(JSON.parse(readFileSync(join(folder, 'engines.json'), 'utf8')));
}

/** The fixtures that engines were recorded on. */
export function recordedFixtures(folder: string = ENGINES_FOLDER): string[] {
  const entries = readdirSync(folder, { withFileTypes: true });
  return entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort();
}

/** An engine's answer at one position. */
export interface RecordedRow {
  /** i32 [shown], the engine's own likeliest tokens, descending. */
  readonly ids: Int32Array;
  /** f32 [shown], natural log-probabilities. */
  readonly logprobs: Float32Array;
}

/**
 * What an engine answered, by case: a row for each position of the golden's prompt and greedy tokens.
 *
 * Tensors: `<case>.ids` I16 and `<case>.logprobs` F32, both [positions, shown].
 *
 * @throws CheckpointError if the file cannot be read.
 */
export function readRecordedEngine(
  fixture: string,
  engine: string,
  folder: string = ENGINES_FOLDER,
): Map<string, RecordedRow[]> {
  const file = SafetensorsFile.open(join(folder, fixture, `${engine}.safetensors`));
  try {
    const cases = [...file.tensors.keys()].filter((name) => name.endsWith('.ids')).sort();
    return new Map(
      cases.map((name) => {
        const id = name.slice(0, -'.ids'.length);
        const [positions, shown] = file.tensors.get(name)!.shape;
        const ids = Int32Array.from(new Int16Array(file.read(name).buffer));
        const logprobs = new Float32Array(file.read(`${id}.logprobs`).buffer);
        const rows = Array.from({ length: positions }, (_, i) => ({
          ids: ids.subarray(i * shown, (i + 1) * shown),
          logprobs: logprobs.subarray(i * shown, (i + 1) * shown),
        }));
        return [id, rows];
      }),
    );
  } finally {
    file.close();
  }
}
