import type { ProcessGroup } from '../parallel/process-group.ts';
import { serveRank } from './rank-model.ts';

/** What the processes run that an engine starts. */
export default function main(group: ProcessGroup, { modelDir }: { modelDir: string }): Promise<void> {
  return serveRank(group, modelDir);
}
