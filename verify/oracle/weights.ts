import { Checkpoint } from '../../engine/checkpoint/checkpoint.ts';
import { widen } from './floats.ts';

/** A matrix as [outputs, inputs], or a vector of gains. */
export interface OracleWeight {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** All weights of a HuggingFace model directory, widened. @throws CheckpointError if they cannot be read. */
export function readOracleWeights(modelDir: string): Map<string, OracleWeight> {
  const checkpoint = Checkpoint.open(modelDir);
  try {
    return new Map(
      [...checkpoint.tensors].map(([name, { file, info }]) => [
        name,
        { shape: info.shape, data: widen(info.dtype, file.read(name)) },
      ]),
    );
  } finally {
    checkpoint.close();
  }
}
