import { Checkpoint } from '../../../engine/checkpoint/checkpoint.ts';
import { FIXTURES } from '../../../generator/fixtures/fixture-specs.ts';
import { ensureFixture } from '../../../generator/fixtures/fixtures.ts';
import { readCase, readManifest, readTensors } from '../../../golden/goldens.ts';
import { TOP } from '../../../golden/schema.ts';
import { isTie, maxAbs } from '../../../golden/tolerance.ts';
import { widen } from '../../../verify/oracle/floats.ts';
import type { ChosenRow, FixtureEvidence } from './fixture-degeneracy.ts';

/** What a fixture's goldens and its checkpoint show. */
export async function evidenceOf(model: string): Promise<FixtureEvidence> {
  const manifest = readManifest(model);
  const prompts: number[][] = [];
  const rows: ChosenRow[] = [];
  for (const id of manifest.cases) {
    const golden = readCase(model, id);
    if ('refusal' in golden) continue;
    const { ids, positions, greedy, noise } = golden;
    const { logits, sampled } = readTensors(model, id);
    const all = [...ids, ...greedy.tokens];
    const lastIds = [...positions, ...greedy.tokens.map((_, step) => ids.length - 1 + step)].map(
      (p) => all[p],
    );
    const width = logits.length / lastIds.length;
    for (const [i, lastId] of lastIds.entries()) {
      const row = logits.subarray(i * width, (i + 1) * width);
      const margin = greedy.margins[i - positions.length];
      rows.push({
        lastId,
        argmax: sampled ? sampled.topIds[i * TOP] : row.indexOf(Math.max(...row)),
        // The row's own largest logits would widen it.
        logits: sampled ? row.subarray(0, width - TOP) : row,
        ...(margin === undefined
          ? {}
          : { isTie: isTie(margin, sampled?.rowMax[i] ?? maxAbs(row), noise.logits) }),
      });
    }
    prompts.push(ids);
  }
  const gains = new Map<string, Float64Array>();
  const checkpoint = Checkpoint.open(await ensureFixture(model));
  try {
    for (const [name, { file, info }] of checkpoint.tensors) {
      if (info.shape.length === 1) gains.set(name, widen(info.dtype, file.read(name)));
    }
  } finally {
    checkpoint.close();
  }
  return { vocabSize: FIXTURES[model].config.vocab_size as number, prompts, rows, gains };
}
