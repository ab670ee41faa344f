import test from 'ava';
import { disagreement, namesOf } from '../../../../engine/parallel/agreement.ts';

test('equal hashes are no disagreement', (t) => {
  t.is(disagreement('config', ['a']), undefined);
  t.is(disagreement('config', ['a', 'a', 'a']), undefined);
});

test('a disagreement names the ranks outside the largest party', (t) => {
  t.deepEqual(disagreement('config', ['a', 'b', 'b', 'c'])?.ranks, [0, 3]);
  t.deepEqual(disagreement('config', ['b', 'a', 'b', 'b'])?.ranks, [1]);
});

test('a disagreement of two equally large parties names the one without rank 0', (t) => {
  t.deepEqual(disagreement('version', ['a', 'b']), {
    message:
      'The ranks disagree on version: rank 1 against the others (SHA-256: rank 0 with a…; rank 1 with b…); ' +
      'start all ranks with the same version',
    ranks: [1],
  });
  t.deepEqual(disagreement('version', ['a', 'b', 'a', 'b'])?.ranks, [1, 3]);
  const [long, other] = ['0123456789abcdef', 'fedcba9876543210'];
  t.regex(
    disagreement('version', [`${long}0`, `${other}1`])!.message,
    new RegExp(`\\(SHA-256: rank 0 with ${long}…; rank 1 with ${other}…\\)`),
  );
});

test('ranks are listed in the order of their numbers, beyond ten too', (t) => {
  const hashes = Array.from({ length: 12 }, (_, rank) => (rank === 2 ? 'b' : rank > 9 ? 'c' : 'a'));
  const { ranks, message } = disagreement('config', hashes)!;
  t.deepEqual(ranks, [2, 10, 11]);
  t.is(
    message,
    'The ranks disagree on config: ranks 2, 10 and 11 against the others (SHA-256: ' +
      'ranks 0, 1, 3, 4, 5, 6, 7, 8 and 9 with a…; ranks 10 and 11 with c…; rank 2 with b…); ' +
      'start all ranks with the same config',
  );
});

test('a list of ranks reads as a sentence does', (t) => {
  t.is(namesOf([3]), 'rank 3');
  t.is(namesOf([1, 2]), 'ranks 1 and 2');
  t.is(namesOf([0, 1, 5]), 'ranks 0, 1 and 5');
});
