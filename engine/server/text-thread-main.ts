// The text's thread: loads tokenizer and chat template, and does one job after the other.
import { parentPort, workerData } from 'node:worker_threads';
import { ChatTemplateError } from '../errors.ts';
import { ChatTemplate } from '../text/chat.ts';
import { Tokenizer } from '../text/tokenizer.ts';
import { vocabularyOf } from '../text/vocabulary.ts';
import { readPromptJson } from './chat/prompt-json.ts';
import type { FromTextThread, TextJob, TextThreadData, TextValue } from './text-messages.ts';
import { toErrorData } from './thread-error.ts';

if (!parentPort) throw new RangeError('expected to be run as a worker thread');
const port = parentPort;
const { modelDir } = workerData as TextThreadData;
const send = (message: FromTextThread, moved: ArrayBuffer[] = []) => port.postMessage(message, moved);

try {
  const tokenizer = await Tokenizer.load(modelDir);
  const template = await loadTemplate();
  port.on('message', (job: TextJob) => {
    try {
      const value = work(job, tokenizer, template);
      send({ type: 'done', value }, value instanceof Uint32Array ? [value.buffer] : []);
    } catch (error) {
      send({ type: 'failed', error: toErrorData(error) });
    }
  });
  send({ type: 'ready', vocabulary: vocabularyOf(tokenizer) });
} catch (error) {
  send({ type: 'failed', error: toErrorData(error) });
}

/** A model without a chat template is served all the same: then every conversation is refused. */
async function loadTemplate(): Promise<ChatTemplate | ChatTemplateError> {
  try {
    return await ChatTemplate.load(modelDir);
  } catch (error) {
    if (error instanceof ChatTemplateError) return error;
    throw error;
  }
}

function work(job: TextJob, tokenizer: Tokenizer, template: ChatTemplate | ChatTemplateError): TextValue {
  switch (job.type) {
    case 'encode':
      return Uint32Array.from(tokenizer.encode(job.text, job.options));
    case 'encodeChat': {
      if (template instanceof ChatTemplateError) throw template;
      const { messages, ...options } = readPromptJson(job.chat);
      const prompt = template.render(messages, options);
      return Uint32Array.from(tokenizer.encode(prompt, { addSpecialTokens: false }));
    }
    case 'decode':
      return tokenizer.decode(job.ids, job.options);
    case 'tokens':
      return tokenizer.tokens(job.ids);
  }
}
