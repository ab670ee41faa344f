import { resolve } from 'node:path';
import { registerSharedWorker } from 'ava/plugin';
import { ensureFixture } from '../../../generator/fixtures/fixtures.ts';
import * as errors from '../../../verify/errors.ts';
import type { SubjectModel } from '../../../verify/subject.ts';
import type { ModelReply, ModelRequest } from './model-worker.ts';

// Relative to the folder that AVA was started in; the worker has another.
if (process.env.SUBJECT) process.env.SUBJECT = resolve(process.env.SUBJECT);

const worker = registerSharedWorker<ModelRequest>({
  filename: new URL('./model-worker.ts', import.meta.url),
  supportedProtocols: ['ava-4'],
});

/** A model that test files share; it stays loaded until the run ends. */
export type SharedModel = Pick<SubjectModel, 'forward' | 'generate'> & { modelDir: string };

/**
 * A fixture's model, loaded once per run however many test files ask for it. It answers one request at a
 * time.
 */
export async function sharedModel(fixture: string): Promise<SharedModel> {
  return sharedModelIn(await ensureFixture(fixture));
}

/** The same of any model directory. */
export function sharedModelIn(modelDir: string): SharedModel {
  return {
    modelDir,
    forward: (request) => ask({ call: 'forward', modelDir, request }),
    generate: (request) => ask({ call: 'generate', modelDir, request }),
  };
}

/** The directories that the run has loaded models from, one for each time it did. */
export function loadedModels(): Promise<string[]> {
  return ask({ call: 'list' });
}

async function ask<T>(request: ModelRequest): Promise<T> {
  await worker.available;
  for await (const message of worker.publish(request).replies()) {
    const reply = message.data as unknown as ModelReply;
    if ('error' in reply) throw errorOf(reply.error);
    return reply.result as T;
  }
  throw new Error('the shared models stopped answering');
}

/** The error as it was thrown in the worker: what was not supported stays apart from what is wrong. */
function errorOf({ name, message }: { name: string; message: string }): Error {
  const Outcome = Object.values(errors).find((candidate) => candidate.name === name);
  return Outcome ? new Outcome(message) : new Error(`${name}: ${message}`);
}
