import { HalfTile } from './half-tile';
import { Tile } from './tile';
// biome-ignore lint/style/useImportType: AssemblyScript has no import type.
import { BF16, F16, Weights } from './weights';

export function fourPanelsF32(x: usize, end: usize, w: usize, inputs: usize, sums: usize): void {
  Tile.leaf<f32>(1, 4, x, end, w, inputs * Weights.stride<f32>(), Weights.mask(inputs), sums);
}

export function fourPanelsF16(x: usize, end: usize, w: usize, inputs: usize, sums: usize): void {
  Tile.leaf<F16>(1, 4, x, end, w, inputs * Weights.stride<F16>(), Weights.mask(inputs), sums);
}

export function fourPanelsBF16(x: usize, end: usize, w: usize, inputs: usize, sums: usize): void {
  Tile.leaf<BF16>(1, 4, x, end, w, inputs * Weights.stride<BF16>(), Weights.mask(inputs), sums);
}

export function oneRow(x: usize, end: usize, w: usize, inputs: usize, sums: usize): void {
  Tile.leaf<BF16>(1, 1, x, end, w, 0, Weights.mask(inputs), sums);
}

export function twoRows(x: usize, end: usize, w: usize, inputs: usize, sums: usize): void {
  Tile.leaf<BF16>(2, 1, x, end, w, 0, Weights.mask(inputs), sums);
}

export function threeRows(x: usize, end: usize, w: usize, inputs: usize, sums: usize): void {
  Tile.leaf<BF16>(3, 1, x, end, w, 0, Weights.mask(inputs), sums);
}

export function fourRows(x: usize, end: usize, w: usize, inputs: usize, sums: usize): void {
  Tile.leaf<BF16>(4, 1, x, end, w, 0, Weights.mask(inputs), sums);
}

export function half1(x: usize, end: usize, w: usize, stride: usize, sums: usize): void {
  HalfTile.leaf(1, false, x, end, w, stride, sums);
}

export function half2(x: usize, end: usize, w: usize, stride: usize, sums: usize): void {
  HalfTile.leaf(2, false, x, end, w, stride, sums);
}

export function half3(x: usize, end: usize, w: usize, stride: usize, sums: usize): void {
  HalfTile.leaf(3, false, x, end, w, stride, sums);
}

export function half4(x: usize, end: usize, w: usize, stride: usize, sums: usize): void {
  HalfTile.leaf(4, false, x, end, w, stride, sums);
}

export function onward1(x: usize, end: usize, w: usize, stride: usize, sums: usize): void {
  HalfTile.leaf(1, true, x, end, w, stride, sums);
}

export function onward2(x: usize, end: usize, w: usize, stride: usize, sums: usize): void {
  HalfTile.leaf(2, true, x, end, w, stride, sums);
}

export function onward3(x: usize, end: usize, w: usize, stride: usize, sums: usize): void {
  HalfTile.leaf(3, true, x, end, w, stride, sums);
}

export function onward4(x: usize, end: usize, w: usize, stride: usize, sums: usize): void {
  HalfTile.leaf(4, true, x, end, w, stride, sums);
}
