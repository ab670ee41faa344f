import type { ProcessGroup } from '../../../engine/parallel/process-group.ts';
import { type CollectivesTask, timeCollectives } from './collective-times.ts';
import { countTraffic, type TrafficTask } from './step-traffic.ts';

/** What the ranks of a group can run. */
export type Task = CollectivesTask | TrafficTask;

/** The entry of every rank. */
export default function run(group: ProcessGroup, task: Task): Promise<unknown> {
  return task.name === 'collectives' ? timeCollectives(group, task) : countTraffic(group, task);
}
