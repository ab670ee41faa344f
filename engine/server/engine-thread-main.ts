// The engine's thread: loads the engine, and serves the requests that arrive as messages.
import { parentPort, workerData } from 'node:worker_threads';
import { Engine } from '../engine.ts';
import { EngineClosedError } from '../errors.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import { createStreams } from '../text/vocabulary.ts';
import { toErrorData } from './thread-error.ts';
import type { FromThread, ThreadData, ToThread } from './thread-messages.ts';
import { ThreadRequests } from './thread-requests.ts';

if (!parentPort) throw new RangeError('expected to be run as a worker thread');
const port = parentPort;
const { modelDir, options, hasTokenizer } = workerData as ThreadData;
/** How soon a rank that ends is found out, in ms. */
const RANK_CHECK_MS = 250;
let streams: Pick<Tokenizer, 'createStream'> | undefined;
/**
 * What the engine takes for the tokenizer. The weights are loaded meanwhile, and reading a tokenizer here as
 * well would take twice the time and the memory.
 */
const tokenizer: Pick<Tokenizer, 'createStream'> = {
  createStream(options) {
    if (!streams) throw new RangeError('expected the vocabulary before the first request');
    return streams.createStream(options);
  },
};

const send = (message: FromThread) => port.postMessage(message);

try {
  const onProgress = (done: number, total: number) => send({ type: 'progress', done, total });
  const engine = await Engine.load(modelDir, { ...options, ...(hasTokenizer && { tokenizer }), onProgress });
  const { vocabSize, maxPositionEmbeddings } = engine.config;
  const { cacheTokens, blockSize, maxBatch } = engine.options;
  const maxTokens = Math.min(maxPositionEmbeddings, Math.ceil(cacheTokens / blockSize) * blockSize);
  const requests = new ThreadRequests(engine, send);
  port.on('message', (message: ToThread) => {
    if (message.type === 'generate') void requests.serve(message.id, message.request);
    else if (message.type === 'vocabulary') streams = createStreams(message.vocabulary);
    else if (message.type === 'close') void close(engine, requests);
    else requests.abort(message.id);
  });
  watchRanks(engine);
  send({ type: 'ready', limits: { vocabSize, maxTokens, maxBatch }, stats: engine.stats() });
} catch (error) {
  send({ type: 'failed', error: toErrorData(error) });
}

/** While no request is served, only this finds out that a rank has ended. */
function watchRanks(engine: Engine): void {
  const timer = setInterval(() => {
    try {
      engine.checkRanks();
    } catch (error) {
      clearInterval(timer);
      if (!(error instanceof EngineClosedError)) send({ type: 'failed', error: toErrorData(error) });
    }
  }, RANK_CHECK_MS);
  timer.unref();
}

/** Ends the engine's ranks and threads, then this thread. */
async function close(engine: Engine, requests: ThreadRequests): Promise<void> {
  requests.abortAll();
  try {
    await engine.close();
  } catch (error) {
    send({ type: 'failed', error: toErrorData(error) });
  }
  port.close();
}
