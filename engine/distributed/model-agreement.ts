import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import type { ModelDirectory } from '../checkpoint/model-directory.ts';
import type { ProcessGroup } from '../parallel/process-group.ts';
import { readPackageJson } from '../terminal/package-json.ts';
import { NO_TIMEOUT } from './step-plan.ts';

/** Bytes compared of each weight, from its middle. */
const SAMPLE_BYTES = 256;

/**
 * Makes sure that all ranks run the same version of this program and have opened the same model.
 *
 * @throws GroupError that names what differs, and the ranks.
 */
export function agreeOnModel(
  group: Pick<ProcessGroup, 'agree'>,
  { config, checkpoint }: ModelDirectory,
): void {
  // The ranks arrive at different times: rank 0 may download the model, the others compile their kernels.
  group.agree('version', readPackageJson().version, NO_TIMEOUT);
  group.agree('config', JSON.stringify(config));
  group.agree('weights', describeWeights(checkpoint));
}

/**
 * Names, types, shapes and offsets of all weights, and a sample of each, which distinguishes models of the
 * same shape apart. A damaged file may pass: to read all of it would cost each rank what it saves by reading
 * only its part.
 */
export function describeWeights(checkpoint: Pick<Checkpoint, 'tensors'>): string {
  return JSON.stringify(
    [...checkpoint.tensors].map(([name, { file, info }]) => {
      const sample = new Uint8Array(Math.min(SAMPLE_BYTES, info.end - info.begin));
      file.readInto(name, Math.floor((info.end - info.begin - sample.length) / 2), sample);
      return [name, info, Buffer.from(sample).toString('hex')];
    }),
  );
}
