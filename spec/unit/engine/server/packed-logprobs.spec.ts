import test from 'ava';
import fc from 'fast-check';
import { packEvent, unpackEvent } from '../../../../engine/server/packed-logprobs.ts';

const SEED = 20261129;
const scored = {
  token: fc.nat({ max: 2 ** 32 - 1 }),
  logprob: fc.oneof(fc.double({ max: 0, noNaN: true }), fc.constant(Number.NEGATIVE_INFINITY)),
};
const row = { ...scored, top: fc.array(fc.record(scored, { noNullPrototype: true }), { maxLength: 4 }) };
const rank = fc.integer({ min: 1, max: 2 ** 32 - 1 });
const plain = { noNullPrototype: true };
const rows = fc.option(fc.array(fc.record(row, plain)), { nil: undefined });
const promptRows = fc.option(fc.array(fc.record({ ...row, rank }, plain)), { nil: undefined });

test('a result arrives as it was sent, every log-probability to the bit', (t) => {
  fc.assert(
    fc.property(rows, promptRows, (logprobs, promptLogprobs) => {
      const event = {
        ...{ type: 'result' as const, request: 0, sample: 1 },
        result: {
          ...{ promptTokens: 3, cachedTokens: 0, tokens: [1], text: 'a', finishReason: 'stop' as const },
          ...{ stopReason: undefined, fingerprint: 'f', timing: { prefillMs: 0, decodeMs: 0 } },
          ...{ logprobs, promptLogprobs },
        },
      };
      t.deepEqual(unpackEvent(structuredClone(packEvent(event))), event);
    }),
    { seed: SEED },
  );
});

test('a token is sent as it is', (t) => {
  const token = { type: 'token', request: 0, sample: 0, token: 1, text: 'a', logits: undefined } as const;
  const event = { ...token, logprobs: { token: 1, logprob: -1, top: [{ token: 1, logprob: -1 }] } };
  t.is(packEvent(event), event);
  t.is(unpackEvent(event), event);
});
