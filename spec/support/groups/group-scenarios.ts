import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProcessGroup } from '../../../engine/parallel/process-group.ts';

/** What the ranks of a test do; `rank` is the one that behaves differently. */
export type Scenario =
  | { name: 'collectives'; numRuns: number; seed: number }
  | { name: 'large'; bytes: number }
  | { name: 'endless' }
  | { name: 'patient'; ms: number }
  | { name: 'linger' | 'walkout' }
  | { name: 'flood'; rank: number }
  | { name: 'exits'; rank: number; exitCode: number }
  | {
      name: 'throws' | 'busy' | 'leaves' | 'aborts' | 'disagrees' | 'mismatch' | 'lengths';
      rank: number;
    };

/** The entry of every rank of a test. Each prints its process id first. */
export default async function run(group: ProcessGroup, scenario: Scenario): Promise<void> {
  // Written synchronously: the process may be killed at any time.
  writeSync(2, `${group.rank === 0 ? '[rank 0] ' : ''}pid ${group.rank} ${process.pid}\n`);
  const isFaulty = 'rank' in scenario && scenario.rank === group.rank;
  switch (scenario.name) {
    case 'collectives':
      (await collectives()).checkCollectives(group, scenario);
      break;
    case 'large':
      (await collectives()).checkLarge(group, scenario.bytes);
      break;
    case 'patient':
      patient(group, scenario.ms);
      break;
    case 'linger':
      group.barrier();
      if (group.rank > 0) await sleep(60_000);
      break;
    case 'walkout':
      process.once('SIGUSR2', () => process.exit(3));
      group.barrier();
      if (group.rank === 0) writeSync(2, '[rank 0] all ranks have come\n');
      await sleep(60_000);
      break;
    case 'flood':
      // Far more than a FIFO holds, to a rank that does not read.
      if (isFaulty) await sleep(60_000);
      else if (group.rank === 0) group.send(new Uint8Array(10_000_000), scenario.rank);
      else group.barrier();
      break;
    case 'disagrees':
      group.agree('version', '1');
      group.agree('config', isFaulty ? 'another' : 'the same');
      break;
    case 'mismatch':
      // The same number of bytes as a barrier.
      if (isFaulty) group.allGather(new Int32Array(), new Int32Array());
      else group.barrier();
      break;
    case 'lengths':
      group.allGather(new Int32Array(isFaulty ? 1 : 2), new Int32Array(group.size * (isFaulty ? 1 : 2)));
      break;
    default:
      if (isFaulty) misbehave(group, scenario);
      else endless(group);
  }
}

/** Imported late: loading fast-check takes longer than most scenarios. */
const collectives = () => import('./group-collectives.ts');

function misbehave(group: ProcessGroup, scenario: Scenario): void {
  const { name } = scenario;
  group.barrier();
  if (name === 'throws') throw new Error('no space left on device');
  if (name === 'exits') process.exit(scenario.exitCode);
  if (name === 'aborts') group.abort('enough is enough');
  while (name === 'busy');
}

function endless(group: ProcessGroup): never {
  group.barrier();
  const values = new Float32Array(20_000);
  const all = new Float32Array(group.size * values.length);
  for (;;) group.allGather(values, all);
}

/** The other ranks wait for rank 0 for longer than the time limit of the group. */
function patient(group: ProcessGroup, ms: number): void {
  const word = new Int32Array([group.rank === 0 ? 42 : 0]);
  if (group.rank === 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  group.broadcast(word, 0, { timeoutMs: Number.POSITIVE_INFINITY });
  if (word[0] !== 42) throw new Error(`expected 42, got ${word[0]}`);
  group.barrier();
}
