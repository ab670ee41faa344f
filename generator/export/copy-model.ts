import { closeSync, existsSync, openSync, readSync, statSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setImmediate as eventLoop } from 'node:timers/promises';
import { Checkpoint } from '../../engine/checkpoint/checkpoint.ts';
import { FileError } from '../../engine/errors.ts';
import { SINGLE_WEIGHTS, WEIGHTS_INDEX } from '../../engine/hub/missing-files.ts';
import { makeFolder } from '../../engine/terminal/make-folder.ts';
import { templateFilesOf } from '../../engine/text/tokenizer-files.ts';

/** What a model in HuggingFace's layout has beside its weights. */
export const MODEL_FILES = ['config.json', 'generation_config.json'];
export const TEXT_FILES = [
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'vocab.json',
  'merges.txt',
];

const CHUNK_BYTES = 2 ** 24;

/**
 * Copies a model's configuration, weights and tokenizer into an existing folder. Symbolic links, as the
 * hub's cache has them, become files. Signals are served between two parts.
 *
 * @throws CheckpointError if there are no weights, FileError if a file cannot be read or written.
 */
export async function copyModel(
  modelDir: string,
  folder: string,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<void> {
  const checkpoint = Checkpoint.open(modelDir);
  checkpoint.close();
  const weights = checkpoint.files.map(({ path }) => basename(path));
  const candidates = [
    ...MODEL_FILES,
    ...TEXT_FILES,
    ...templateFilesOf(modelDir),
    // Even one shard is found by the index alone.
    ...(weights.includes(SINGLE_WEIGHTS) ? [] : [WEIGHTS_INDEX]),
  ];
  const files = [...candidates.filter((file) => existsSync(join(modelDir, file))), ...weights];
  const total = files.reduce((sum, file) => sum + statSync(join(modelDir, file)).size, 0);
  let done = 0;
  for (const file of files) {
    makeFolder(dirname(join(folder, file)));
    for await (const bytes of copying(join(modelDir, file), join(folder, file))) {
      done += bytes;
      onProgress(done, total);
    }
  }
}

/** @returns yields the length of each part that is copied. */
async function* copying(source: string, target: string): AsyncGenerator<number> {
  const chunk = new Uint8Array(CHUNK_BYTES);
  const open: number[] = [];
  try {
    const [from, to] = [openSync(source, 'r'), openSync(target, 'wx')].map((fd) => {
      open.push(fd);
      return fd;
    });
    for (;;) {
      const count = readSync(from, chunk);
      if (count === 0) return;
      for (let done = 0; done < count; ) done += writeSync(to, chunk, done, count - done);
      yield count;
      await eventLoop();
    }
  } catch (cause) {
    const { code, syscall } = cause as NodeJS.ErrnoException;
    if (syscall === undefined) throw cause;
    throw new FileError(`cannot copy ${source} to ${target} (${code})`, { cause });
  } finally {
    for (const fd of open) closeSync(fd);
  }
}
