import test from 'ava';
import { receiveSetup, sendSetup } from '../../../../engine/distributed/rank-setup.ts';
import { NO_TIMEOUT } from '../../../../engine/distributed/step-plan.ts';
import { limitsOf, oneWayPair } from './one-way-pair.ts';

test('a rank receives the setup that rank 0 has sent', (t) => {
  const { sender, receiver } = oneWayPair();
  const setup = {
    tp: 2,
    ep: 1,
    cacheTokens: 64,
    blockSize: 16,
    maxBatchTokens: 8,
    threads: 3,
    revectorize: true,
  };
  sendSetup(sender, setup);
  const { group, limits } = limitsOf(receiver);
  t.deepEqual(receiveSetup(group), setup);
  // Rank 0 may take any time before it sends the setup.
  t.deepEqual(limits, [NO_TIMEOUT, undefined]);
});
