import test from 'ava';
import type { WeightDtype } from '../../../../engine/config.ts';
import { PANEL, TILE_ROWS } from '../../../../engine/kernels/abi.ts';
import {
  matmulCall,
  numStrips,
  packPanelsCall,
  packRowsCall,
} from '../../../../engine/kernels/matmul-calls.ts';
import { KERNELS } from '../../../../engine/kernels/table.ts';

test('units are strips of rows and panels of outputs, the last of which may be partly filled', (t) => {
  const rows = { x: 1000, rows: TILE_ROWS + 1, numStrips: 2, inputs: 7, strips: 2000 };
  t.like(packRowsCall(rows), { kernel: KERNELS.packRows, args: rows, units: 2, work: 7 * (TILE_ROWS + 1) });
  const panels = { weights: 1000, rows: 2 * PANEL + 1, inputs: 7, panels: 2000 };
  t.like(packPanelsCall('F32', panels), { args: panels, units: 3, work: 7 * (2 * PANEL + 1) });
  const matmul = {
    ...{ x: 1000, rows: 2, numStrips: 1, inputs: 7, panels: 2000, outputs: 3 * PANEL, y: 3000, leaves: 8 },
    isWide: 1,
  };
  t.like(matmulCall('F32', matmul), { args: matmul, units: 3, work: 2 * 7 * 3 * PANEL });
});

test('the dtype of the weights chooses the kernel', (t) => {
  const args = { weights: 0, rows: 1, inputs: 1, panels: 0 };
  const matmul = {
    x: 0,
    rows: 1,
    numStrips: 1,
    inputs: 1,
    panels: 0,
    outputs: 1,
    y: 0,
    leaves: 1,
    isWide: 0,
  };
  for (const dtype of ['F32', 'F16', 'BF16'] as const) {
    t.is(matmulCall(dtype, matmul).kernel, KERNELS[`matmul${dtype}`]);
    t.is(packPanelsCall(dtype, args).kernel, dtype === 'F32' ? KERNELS.packPanels32 : KERNELS.packPanels16);
  }
});

test('strips are as few as the tiles allow, which have four rows, or five alone, where they widen bf16', (t) => {
  const strips = (dtype: WeightDtype, isWide: boolean) =>
    [1, 4, 5, 6, 7, 8, 12, 13, 32, 33, 128].map((rows) => numStrips(rows, dtype, isWide));
  for (const [dtype, isWide] of [
    ['F32', true],
    ['F16', true],
    ['F32', false],
  ] as const) {
    t.deepEqual(strips(dtype, isWide), [1, 1, 1, 1, 2, 2, 2, 3, 6, 6, 22], `${dtype}, ${isWide}`);
  }
  t.deepEqual(strips('BF16', true), [1, 1, 1, 2, 2, 2, 3, 4, 8, 6, 22]);
  t.deepEqual(strips('BF16', false), [1, 1, 1, 1, 2, 2, 2, 3, 6, 6, 22]);
});

test('parts of several strips are up to eight panels, which are computed in turn; one row reads four side by side', (t) => {
  const matmul = { x: 0, inputs: 1, panels: 0, outputs: 1, y: 0, leaves: 1, isWide: 0 };
  const grains = (rows: number, numStrips: number) => {
    const { grain, minGrain } = matmulCall('BF16', { ...matmul, rows, numStrips });
    return { grain, minGrain };
  };
  t.deepEqual(grains(1, 1), { grain: 4, minGrain: undefined });
  t.deepEqual(grains(5, 1), { grain: 4, minGrain: undefined });
  t.deepEqual(grains(8, 2), { grain: 8, minGrain: 1 });
  t.deepEqual(grains(256, 43), { grain: 8, minGrain: 1 });
});
