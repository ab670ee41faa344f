import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeSafetensors } from '../../../engine/checkpoint/safetensors-writer.ts';
import { casesJson, type DumpCase, type DumpCases } from '../../../golden/dump-layout.ts';
import { npyFile } from './npy.ts';

/** Sizes of the model that is answered for. */
export const DUMP_SIZES = { vocabSize: 4, hiddenSize: 2, numHiddenLayers: 1 };

/** Two cases with scores, and one whose prompt has to be refused. */
export const DUMP_CASES: DumpCases = {
  format: 1,
  model: 'tiny',
  cases: [
    {
      id: 'one',
      text: 'a b',
      forward: { ids: [1, 2, 3], positions: [0, 2] },
      generate: { ids: [1, 2], maxNewTokens: 1 },
    },
    {
      id: 'two',
      conversation: { messages: [{ role: 'user', content: 'hi' }], addGenerationPrompt: true },
      forward: { ids: [3, 2], positions: [1] },
      generate: { ids: [3], maxNewTokens: 1 },
    },
    { id: 'empty', generate: { ids: [], maxNewTokens: 1 } },
  ],
};

/** Values that tell where they stand: 100 for each row, and the column. */
export function scoresOfCase({ forward }: DumpCase, width = DUMP_SIZES.vocabSize): Float32Array {
  const rows = forward?.positions.length ?? 0;
  return Float32Array.from({ length: rows * width }, (_, i) => 100 * Math.floor(i / width) + (i % width));
}

/** Writes whole and right answers. @param form of the scores. */
export function writeDump(folder: string, form: 'safetensors' | 'npy' | 'top' | 'none'): void {
  writeFileSync(join(folder, 'cases.json'), casesJson(DUMP_CASES));
  writeFileSync(
    join(folder, 'engine.json'),
    JSON.stringify({ name: 'mine', version: '2', precision: 'bf16' }),
  );
  writeFileSync(join(folder, 'README.md'), 'notes');
  for (const each of DUMP_CASES.cases) {
    const { id, forward } = each;
    const answer = forward ? { tokens: [3], promptIds: [7, 8] } : { error: 'the prompt is empty' };
    writeFileSync(join(folder, `${id}.json`), JSON.stringify(answer));
    if (!forward) continue;
    const rows = forward.positions.length;
    const logits = { dtype: 'F32', shape: [rows, 4], data: scoresOfCase(each) };
    const hidden = {
      dtype: 'F32',
      shape: [3, forward.ids.length, 2],
      data: new Float32Array(6 * forward.ids.length),
    };
    const npy = (name: string, values: ArrayBufferView, descr: string, shape: string) =>
      writeFileSync(join(folder, name), npyFile(values, { descr, shape }));
    if (form === 'safetensors') {
      writeSafetensors(
        join(folder, `${id}.safetensors`),
        new Map([
          ['logits', logits],
          ['hidden', hidden],
        ]),
      );
    } else if (form === 'npy') {
      npy(`${id}.npy`, Float64Array.from(logits.data), '<f8', `(${rows}, 4)`);
      npy(`${id}.hidden.npy`, hidden.data, '<f4', `(3, ${forward.ids.length}, 2)`);
    } else if (form === 'top') {
      const ids = BigInt64Array.from({ length: rows * 2 }, (_, i) => BigInt(i % 4));
      npy(`${id}.ids.npy`, ids, '<i8', `(${rows}, 2)`);
      npy(`${id}.logprobs.npy`, scoresOfCase(each, 2), '<f4', `(${rows}, 2)`);
    }
  }
}
