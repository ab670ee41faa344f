import { GatherArguments } from '../../abi';
import { PANEL } from '../sizes';
import { Weights } from './weights';

/** One output of packed panels whose weights are of type W, widened. */
export function gather<W>(args: GatherArguments): void {
  const inputs = <usize>args.inputs;
  const id = <usize>args.id;
  const lane = id % PANEL;
  let w = <usize>args.panels + (id - lane) * inputs * sizeof<W>();
  let y = <usize>args.y;
  const end = y + inputs * sizeof<f32>();
  for (; y < end; y += sizeof<f32>()) {
    store<f32>(y, Weights.one<W>(w, lane));
    w += Weights.stride<W>();
  }
}
