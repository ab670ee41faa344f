import { PANEL } from './sizes';
// biome-ignore lint/style/useImportType: AssemblyScript has no import type.
import { BF16, F16, Weights } from './weights';

/** Output `id` of packed panels, widened. */
export function gatherF32(panels: usize, inputs: usize, id: usize, y: usize): void {
  gather<f32>(panels, inputs, id, y);
}

export function gatherF16(panels: usize, inputs: usize, id: usize, y: usize): void {
  gather<F16>(panels, inputs, id, y);
}

export function gatherBF16(panels: usize, inputs: usize, id: usize, y: usize): void {
  gather<BF16>(panels, inputs, id, y);
}

function gather<W>(panels: usize, inputs: usize, id: usize, y: usize): void {
  const lane = id % PANEL;
  let w = panels + (id - lane) * inputs * sizeof<W>();
  const end = y + inputs * sizeof<f32>();
  for (; y < end; y += sizeof<f32>()) {
    store<f32>(y, Weights.one<W>(w, lane));
    w += Weights.stride<W>();
  }
}
