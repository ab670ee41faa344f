// The engine's thread: loads the engine, and serves the requests that arrive as messages.
import { parentPort, workerData } from 'node:worker_threads';
import { Engine } from '../engine.ts';
import { EngineClosedError } from '../errors.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import { createStreams } from '../text/vocabulary.ts';
import { BatchDelay } from './batch-delay.ts';
import { packEvent } from './packed-logprobs.ts';
import { toErrorData } from './thread-error.ts';
import type { FromThread, RequestNews, ThreadData, ThreadRequest, ToThread } from './thread-messages.ts';

if (!parentPort) throw new RangeError('expected to be run as a worker thread');
const port = parentPort;
const { modelDir, options, hasTokenizer } = workerData as ThreadData;
/** The abort controller of each request that has not ended. */
const controllers = new Map<number, AbortController>();
const batchDelay = new BatchDelay();
/** How soon a rank that ends is found out, in ms. */
const RANK_CHECK_MS = 250;
let unsent: RequestNews[] = [];
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
  port.on('message', (message: ToThread) => take(message, engine));
  watchRanks(engine);
  send({ type: 'ready', limits: { vocabSize, maxTokens, maxBatch }, stats: engine.stats() });
} catch (error) {
  send({ type: 'failed', error: toErrorData(error) });
}

function take(message: ToThread, engine: Engine): void {
  if (message.type === 'generate') void serve(message.id, message.request, engine);
  else if (message.type === 'vocabulary') streams = createStreams(message.vocabulary);
  else if (message.type === 'close') void close(engine);
  // A request that has just ended has no controller any more: the messages have crossed.
  else controllers.get(message.id)?.abort();
}

async function serve(id: number, threadRequest: ThreadRequest, engine: Engine): Promise<void> {
  const { resultsOnly = false, ...request } = threadRequest;
  const controller = new AbortController();
  const { signal } = controller;
  controllers.set(id, controller);
  let refusal: Error | undefined;
  try {
    await batchDelay.wait(() => controllers.size);
    for await (const event of engine.generate([{ ...request, signal }])) {
      // Leaving the loop frees the blocks. The caller has left, or gets an error when the thread exits.
      if (signal.aborted) break;
      if (event.type === 'error') refusal = event.error;
      else if (event.type === 'result' || !resultsOnly) sendNews({ id, event: packEvent(event) }, engine);
    }
    // Also after an abort: the news has the statistics without the request.
    sendNews({ id, ...(refusal && { error: toErrorData(refusal) }) }, engine);
  } catch (error) {
    send({ type: 'failed', error: toErrorData(error) });
  } finally {
    controllers.delete(id);
  }
}

/** Sends what a step has brought forth in one message: the immediate runs before that of the next step. */
function sendNews(news: RequestNews, engine: Engine): void {
  unsent.push(news);
  if (unsent.length > 1) return;
  setImmediate(() => {
    send({ type: 'news', news: unsent, stats: engine.stats() });
    unsent = [];
  });
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
async function close(engine: Engine): Promise<void> {
  for (const controller of controllers.values()) controller.abort();
  try {
    await engine.close();
  } catch (error) {
    send({ type: 'failed', error: toErrorData(error) });
  }
  port.close();
}
