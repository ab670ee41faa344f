import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PowerClass } from './broken-engines.ts';
import type { PowerCell } from './power-cell.ts';
import type { PowerRow } from './power-rows.ts';

/** What the judge made of each broken engine, as `npm run power` measured it. */
export type PowerMatrix = Record<string, PowerRow & { readonly cells: Record<PowerClass, PowerCell> }>;

export const MATRIX_FILE = join(import.meta.dirname, 'power.json');

/** Rows of two tables may have the same name. */
export function keyOf({ table, name }: Pick<PowerRow, 'table' | 'name'>): string {
  return `${table}: ${name}`;
}

/** The matrix as it was recorded; empty before that. */
export function readPowerMatrix(): PowerMatrix {
  return existsSync(MATRIX_FILE) ? JSON.parse(readFileSync(MATRIX_FILE, 'utf8')) : {};
}
