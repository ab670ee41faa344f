import type { ModelConfig } from '../config.ts';
import { Checkpoint } from './checkpoint.ts';
import { readModelConfig } from './read-config.ts';
import { checkWeights } from './weights.ts';

/**
 * An open model directory: its configuration, and its weights, whose headers fit the configuration. Loading
 * opens it once and hands it on, so that all of a process sees the same files.
 */
export class ModelDirectory {
  readonly path: string;
  readonly config: ModelConfig;
  readonly checkpoint: Checkpoint;

  private constructor(path: string, config: ModelConfig, checkpoint: Checkpoint) {
    this.path = path;
    this.config = config;
    this.checkpoint = checkpoint;
  }

  /**
   * Reads the configuration and the headers of the weights; no weight is read.
   *
   * @param path of a directory in HuggingFace's layout; tokenizer files are not needed.
   * @throws ConfigError, CheckpointError as their readers do; then no file stays open.
   */
  static async open(path: string): Promise<ModelDirectory> {
    const config = await readModelConfig(path);
    const checkpoint = Checkpoint.open(path);
    try {
      checkWeights(checkpoint, config);
    } catch (error) {
      checkpoint.close();
      throw error;
    }
    return new ModelDirectory(path, config, checkpoint);
  }

  /** Closes the files of the weights; a second call does nothing. */
  close(): void {
    this.checkpoint.close();
  }
}
