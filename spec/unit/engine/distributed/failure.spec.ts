import test from 'ava';
import { sendFailure } from '../../../../engine/distributed/failure.ts';
import { GroupError } from '../../../../engine/errors.ts';
import type { ProcessGroup } from '../../../../engine/parallel/process-group.ts';
import { singleProcessGroup } from '../../../../engine/parallel/single-process-group.ts';
import { rankAlone } from '../model/ranks-in-turn.ts';

/** Rank 1 of 2, and the reasons for which it has ended the group. */
function recordingGroup(): { group: ProcessGroup; reasons: string[] } {
  const reasons: string[] = [];
  const group: ProcessGroup = Object.assign(rankAlone(1, 2), {
    abort(reason: string): never {
      reasons.push(reason);
      throw new GroupError(reason, [1]);
    },
  });
  return { group, reasons };
}

test('an error of one rank ends the group with its name and message', (t) => {
  const { group, reasons } = recordingGroup();
  t.notThrows(() => sendFailure(group, new TypeError('the disk is full')));
  t.deepEqual(reasons, ['TypeError: the disk is full']);
});

test('an error of the group is not sent, because every rank has it', (t) => {
  const { group, reasons } = recordingGroup();
  sendFailure(group, new GroupError('Rank 0 was killed', [0]));
  t.deepEqual(reasons, []);
});

test('a single process sends nothing', (t) => {
  t.notThrows(() => sendFailure(singleProcessGroup(), new Error('alone')));
});
