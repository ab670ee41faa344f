import type { SharedWorker } from 'ava/plugin';
import { loadSubject } from '../../../verify/adapters/module.ts';
import type { ForwardRequest, GreedyRequest, SubjectModel } from '../../../verify/subject.ts';

/** What a test file asks of the shared models. */
export type ModelRequest =
  | { call: 'forward'; modelDir: string; request: ForwardRequest }
  | { call: 'generate'; modelDir: string; request: GreedyRequest }
  | { call: 'list' };

/** The answer to a {@link ModelRequest}. An error crosses threads as its class's name and its message. */
export type ModelReply = { result: unknown } | { error: { name: string; message: string } };

/** Runs once beside all test files of a run: every model is loaded once, when a file first asks for it. */
export default async ({ negotiateProtocol }: SharedWorker.FactoryOptions) => {
  const protocol = negotiateProtocol<ModelRequest>(['ava-4']);
  const models = new Map<string, Promise<SubjectModel>>();
  const loaded: string[] = [];
  const subject = loadSubject();
  // Each request awaits the subject and reports why it cannot be loaded.
  subject.catch(() => {});
  const load = async (modelDir: string) => {
    loaded.push(modelDir);
    return (await subject).load(modelDir);
  };
  const open = (modelDir: string) => {
    const model = models.get(modelDir) ?? load(modelDir);
    models.set(modelDir, model);
    return model;
  };
  const answer = async (request: ModelRequest): Promise<unknown> => {
    if (request.call === 'list') return loaded;
    const model = await open(request.modelDir);
    if (request.call === 'forward') return model.forward(request.request);
    return model.generate(request.request);
  };
  const messages = protocol.subscribe();
  // The first call of next() subscribes; AVA drops messages that arrive before it.
  let next = messages.next();
  protocol.ready();
  for (let { value: message, done } = await next; !done; { value: message, done } = await next) {
    const reply: ModelReply = await answer(message.data).then(
      (result) => ({ result }),
      (error) => ({ error: { name: error?.name ?? 'Error', message: error?.message ?? String(error) } }),
    );
    message.reply(reply as never);
    next = messages.next();
  }
};
