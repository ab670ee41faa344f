import { ModelDirectory } from '../checkpoint/model-directory.ts';
import type { ProcessGroup } from '../parallel/process-group.ts';
import { sendFailure } from './failure.ts';
import { runFollower } from './follower.ts';

/** The program of the processes that an engine starts as its other ranks. */
export default async function main(group: ProcessGroup, { modelDir }: { modelDir: string }): Promise<void> {
  let directory: ModelDirectory;
  try {
    directory = await ModelDirectory.open(modelDir);
  } catch (error) {
    sendFailure(group, error);
    throw error;
  }
  await runFollower(group, directory);
}
