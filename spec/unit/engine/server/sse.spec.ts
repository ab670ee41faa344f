import { text } from 'node:stream/consumers';
import test from 'ava';
import { ApiError } from '../../../../engine/server/api-error.ts';
import { eventStream } from '../../../../engine/server/sse.ts';

/** Chunks, and how far they were taken. */
function countedChunks(end: () => void = () => {}) {
  const taken = { chunks: 0, isEnded: false };
  async function* chunks() {
    try {
      for (let i = 0; i < 1000; i++) {
        taken.chunks++;
        yield { i };
        if (i === 2) end();
      }
    } finally {
      taken.isEnded = true;
    }
  }
  return { taken, chunks: chunks() };
}

test('each chunk is an event with a line of JSON, and [DONE] is the last', async (t) => {
  async function* chunks() {
    yield { text: 'a\n\nb' };
    yield { text: '\u2028' };
  }
  t.is(
    await text(await eventStream(chunks())),
    'data: {"text":"a\\n\\nb"}\n\ndata: {"text":"\u2028"}\n\ndata: [DONE]\n\n',
  );
});

test('an error before the first chunk is thrown, a later one is an event', async (t) => {
  const early = Promise.reject(new ApiError(400, 'no'));
  await t.throwsAsync(
    eventStream(
      (async function* () {
        yield await early;
      })(),
    ),
    { message: 'no' },
  );
  const { chunks } = countedChunks(() => {
    throw new ApiError(503, 'the engine broke');
  });
  const all = await text(await eventStream(chunks));
  t.regex(
    all,
    /"i":2}\n\ndata: {"error":{"message":"the engine broke",.*"code":503}}\n\ndata: \[DONE\]\n\n$/,
  );
});

test('chunks are taken as they are read, and ended with the stream', async (t) => {
  for (const reads of [0, 3]) {
    const { taken, chunks } = countedChunks();
    const stream = await eventStream(chunks);
    const events = stream[Symbol.asyncIterator]();
    for (let i = 0; i < reads; i++) await events.next();
    t.true(taken.chunks <= reads + 3, `${taken.chunks} chunks are taken for ${reads} that were read`);
    stream.destroy();
    await new Promise(setImmediate);
    t.true(taken.isEnded, `${reads} reads`);
  }
});
