import type { SharedWorker } from 'ava/plugin';
import { loadSubject } from '../../../verify/adapters/module.ts';
import type { ForwardRequest, GreedyRequest, SubjectModel } from '../../../verify/subject.ts';

/** What a test file asks of the shared models. */
export type ModelRequest =
  | { call: 'forward'; modelDir: string; request: ForwardRequest }
  | { call: 'generate'; modelDir: string; request: GreedyRequest }
  | { call: 'list' };

/** What it is answered. */
export type ModelReply = { result: unknown } | { error: string };

/** Runs once beside all test files of a run: every model is loaded once, when a file first asks for it. */
export default async ({ negotiateProtocol }: SharedWorker.FactoryOptions) => {
  const protocol = negotiateProtocol<ModelRequest>(['ava-4']).ready();
  const subject = await loadSubject();
  const models = new Map<string, Promise<SubjectModel>>();
  const loaded: string[] = [];
  const load = (modelDir: string) => {
    loaded.push(modelDir);
    return subject.load(modelDir);
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
  for await (const message of protocol.subscribe()) {
    const reply: ModelReply = await answer(message.data).then(
      (result) => ({ result }),
      (error) => ({ error: String(error) }),
    );
    message.reply(reply as never);
  }
};
