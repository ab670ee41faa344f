import { join } from 'node:path';
import { type TensorData, writeSafetensors } from '../../engine/checkpoint/safetensors-writer.ts';
import type { ModelConfig } from '../../engine/config.ts';
import { makeFolder } from '../../engine/terminal/make-folder.ts';
import { writeWhole } from '../../engine/terminal/write-whole.ts';
import { type Manifest, type RecordedGolden, TOP } from '../../golden/schema.ts';

/**
 * Writes a case as JSON, and its numbers as safetensors, into a model's folder.
 *
 * @throws FileError if a file cannot be written.
 */
export function writeCase(folder: string, { golden, tensors }: RecordedGolden, config: ModelConfig): void {
  makeFolder(folder);
  writeWhole(join(folder, `${golden.id}.json`), formatJson(golden));
  if (!tensors || !('positions' in golden)) return;
  const { logits, logitsFloat64, hiddenStates, sampled } = tensors;
  const rows = golden.positions.length + golden.greedy.tokens.length;
  const file = new Map<string, TensorData>();
  file.set('logits', { dtype: 'F32', shape: [rows, logits.length / rows], data: logits });
  if (logitsFloat64) {
    file.set('logits_float64', { dtype: 'F64', shape: [rows, logits.length / rows], data: logitsFloat64 });
  }
  if (hiddenStates) {
    const stages = config.numHiddenLayers + 2;
    const positions = golden.positions.length;
    const shape = [stages, positions, hiddenStates.length / stages / positions];
    file.set('hidden_states', { dtype: 'F32', shape, data: hiddenStates });
  }
  if (sampled) {
    file.set('top_ids', { dtype: 'I32', shape: [rows, TOP], data: sampled.topIds });
    file.set('row_max', { dtype: 'F32', shape: [rows], data: sampled.rowMax });
    file.set('log_sum_exp', { dtype: 'F64', shape: [rows], data: sampled.logSumExp });
  }
  writeSafetensors(join(folder, `${golden.id}.safetensors`), file);
}

/** @throws FileError if it cannot be written. */
export function writeManifest(folder: string, manifest: Manifest): void {
  makeFolder(folder);
  writeWhole(join(folder, 'manifest.json'), formatJson(manifest));
}

/** Strings are matched as well, so that a list of numbers inside a string is not reformatted. */
const STRING_OR_NUMBERS = /"(?:[^"\\]|\\.)*"|\[[\s\d.,eE+-]+\]/g;

/** Characters that a terminal or a diff hides or reorders, and that JSON does not escape itself. */
const INVISIBLE = /[\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/**
 * JSON for reviewers: indented, lists of numbers on one line, lone surrogates and invisible characters
 * escaped.
 */
export function formatJson(value: unknown): string {
  const compact = JSON.stringify(value, null, 2).replace(STRING_OR_NUMBERS, (part) =>
    part.startsWith('"') ? part : part.replace(/\s+/g, ' ').replace(/\[ | \]/g, (bracket) => bracket.trim()),
  );
  return `${compact.replace(INVISIBLE, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)}\n`;
}
