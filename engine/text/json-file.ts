import { readFile } from 'node:fs/promises';
import { type ChatTemplateError, FileError, type TokenizerError } from '../errors.ts';
import { lfsPointer } from '../terminal/git-lfs.ts';
import { describeCode } from '../terminal/shortage.ts';
import { JsonNestingError } from './jinja/parse-json.ts';

/** The error class a reader reports with: the promise that the file's content is part of. */
type TextErrorClass = typeof TokenizerError | typeof ChatTemplateError | typeof FileError;

/**
 * Reads a UTF-8 text file. A byte order mark is dropped.
 *
 * @returns the text, or `undefined` if there is no such file.
 * @throws ErrorClass if the file is there but cannot be read, is a Git LFS pointer, or is not UTF-8: decoding
 * it leniently would turn a flipped byte into U+FFFD and pass as another text.
 */
export async function readTextFile(path: string, ErrorClass: TextErrorClass): Promise<string | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw new ErrorClass(`cannot read ${path} (${describeCode(cause)})`, { cause });
  }
  const pointer = lfsPointer(bytes);
  if (pointer !== undefined) throw new ErrorClass(`cannot read ${path}: ${pointer}`);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    // A user's own file may be in another encoding; a model's file is always UTF-8.
    const advice = ErrorClass === FileError ? 'save it in UTF-8' : 'the file is damaged, fetch it again';
    throw new ErrorClass(`cannot read ${path} as UTF-8; ${advice}`, { cause });
  }
}

/**
 * Reads a JSON file.
 *
 * @param parse throws what is wrong with a text. Default: `JSON.parse`.
 * @returns the parsed value, or `undefined` if there is no such file.
 * @throws ErrorClass as {@link readTextFile} does, and if the text is not JSON; it has the file's length,
 * which shows a download that was cut short; and if the text is nested too deeply for `parse`.
 */
export async function readJsonFile(
  path: string,
  ErrorClass: TextErrorClass,
  parse: (text: string) => unknown = JSON.parse,
): Promise<unknown> {
  const text = await readTextFile(path, ErrorClass);
  if (text === undefined) return undefined;
  try {
    return parse(text);
  } catch (cause) {
    // What is nested too deeply is valid JSON, so that it was not cut short.
    const advice = cause instanceof JsonNestingError ? '' : ` (${text.length} characters, perhaps cut short)`;
    throw new ErrorClass(`cannot read ${path} as JSON${advice}: ${(cause as Error).message}`, { cause });
  }
}
