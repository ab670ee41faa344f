import { writeOnnxGraph } from '../onnx/write.ts';

/** Our graphs of a checkpoint in its `onnx/` folder, by what they are for; names as transformers.js wants them. */
export const GRAPHS = {
  /** What the reference runs: logits and cache alone. */
  reference: 'model',
  /** The same with all stages as outputs. */
  tapped: 'model_tapped',
  /** Tapped, in float64. */
  float64: 'model_float64',
} as const;

/** Writes the three graphs of a checkpoint beside it. @throws ConfigError, CheckpointError, FileError as its readers do. */
export async function writeGraphs(modelDir: string): Promise<void> {
  await writeOnnxGraph({ modelDir, precision: 'float32', taps: false, fileName: GRAPHS.reference });
  await writeOnnxGraph({ modelDir, precision: 'float32', taps: true, fileName: GRAPHS.tapped });
  await writeOnnxGraph({ modelDir, precision: 'float64', taps: true, fileName: GRAPHS.float64 });
}
