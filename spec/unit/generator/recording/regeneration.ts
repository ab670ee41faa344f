import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { RecordableModel } from '../../../../generator/recording/models.ts';
import { type RegenerateOptions, regenerate } from '../../../../generator/recording/regenerate.ts';
import { acceptPending, PendingGoldens } from '../../../../generator/review/pending.ts';
import { temporaryFolder } from '../../../support/processes/cleanup.ts';
import { type Faults, fakeRecorder } from './fake-recorder.ts';

export const PROMPTS = [
  { id: 'one', category: 'short', ids: [4, -1] },
  { id: 'two', category: 'short', ids: [9, 2, 7] },
  { id: 'empty', category: 'edge', ids: [] },
  { id: 'words', category: 'short', text: 'needs a tokenizer' },
];

/**
 * Opens invented models, which differ in name, in the faults of their numbers, and in overridden properties.
 */
export class FakeModels {
  readonly opened: string[] = [];
  readonly closed: string[] = [];
  faults: Faults = {};
  overrides: Partial<RecordableModel> = {};

  readonly open = async (name: string): Promise<RecordableModel> => {
    this.opened.push(name);
    const { recorder } = fakeRecorder(this.faults);
    const close = async () => {
      this.closed.push(name);
    };
    return { name, source: 'fixture', seed: 's', recorder, sha256: {}, close, ...this.overrides };
  };
}

/** A folder with prompts and no goldens, and functions that record into it. */
export function setUp(t: ExecutionContext, prompts: unknown[] = PROMPTS) {
  const folder = temporaryFolder(t);
  const fake = new FakeModels();
  const write = (file: string, value: unknown) => {
    mkdirSync(join(folder, file, '..'), { recursive: true });
    writeFileSync(join(folder, file), typeof value === 'string' ? value : JSON.stringify(value));
  };
  const ask = (asked: unknown[]) => write('prompts.json', { maxNewTokens: 3, prompts: asked });
  ask(prompts);
  const check = (options: Partial<RegenerateOptions> = {}) =>
    regenerate({ folder, models: ['made-up'], open: fake.open, ...options });
  /** As the command does: publishes changed goldens, or discards them after a failure. */
  const record = async (options: Partial<RegenerateOptions> = {}) => {
    const pending = new PendingGoldens(folder);
    try {
      const summaries = await check({ pending, ...options });
      return { summaries, kinds: kinds(summaries), isPending: pending.publish() };
    } finally {
      pending.discard();
    }
  };
  const recordAndAccept = async (options: Partial<RegenerateOptions> = {}) => {
    await record(options);
    return acceptPending(folder);
  };
  return { folder, fake, ask, write, check, record, recordAndAccept };
}

/** `case kind` of every case. */
export const kinds = (summaries: Awaited<ReturnType<typeof regenerate>>) =>
  summaries.flatMap(({ cases }) => cases.map(({ id, kind }) => `${id} ${kind}`));

/** The content of every file, by path. */
export function contents(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
  const paths = files.map((file) => join(file.parentPath, file.name)).sort();
  return Object.fromEntries(paths.map((path) => [path.slice(folder.length + 1), readFileSync(path, 'hex')]));
}
