import test from 'ava';
import { receiveSetup, sendSetup } from '../../../../engine/distributed/rank-setup.ts';
import { oneWayPair } from './one-way-pair.ts';

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
  t.deepEqual(receiveSetup(receiver), setup);
});
