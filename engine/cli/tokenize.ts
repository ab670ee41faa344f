import { type Command, Option } from 'commander';
import { UsageError } from '../errors.ts';
import { createProgress } from '../terminal/progress.ts';
import { readText, readTexts } from './input-files.ts';
import type { Io } from './io.ts';
import { addModelOption, findModel, type ModelOption, TEXT_FILES } from './model-option.ts';

export interface TokenizeOptions extends ModelOption {
  text?: string;
  /** A JSON file: an array of strings. */
  file?: string;
  json?: boolean;
}

/** A text and its tokens. */
export interface TokenizedText {
  ids: number[];
  /** As spelled in the vocabulary, e.g. `Ġworld`. */
  tokens: string[];
  /** The ids decoded; differs from the text where the tokenizer normalises. */
  decoded: string;
}

export function addTokenize(program: Command, io: Io): void {
  addModelOption(program.command('tokenize').description('Show the tokens of a text.'))
    .addOption(new Option('--text <text>', 'tokenize this text; - reads standard input').conflicts('file'))
    .option('--file <file.json>', 'tokenize several texts, an array of strings')
    .option('--json', 'print an array of {ids, tokens, decoded}, one for each text', false)
    .addHelpText(
      'after',
      `
One of --text and --file is required. Without --json, every line is a token: its
id, a tab, and its spelling in the vocabulary, as JSON; an empty line separates
texts. No weights are needed.

Examples:
  plumbline tokenize --model ./Qwen3-0.6B --text "Hello, world!"
  plumbline tokenize --model Qwen/Qwen3-0.6B --file texts.json --json`,
    )
    .action((options: TokenizeOptions) => tokenize(options, io));
}

/**
 * Prints the tokens of texts. Special tokens in a text are tokenized as special tokens.
 *
 * @throws UsageError if there is neither a text nor a file.
 * @throws FileError, HubError, TokenizerError as their readers do.
 */
export async function tokenize(options: TokenizeOptions, io: Io): Promise<void> {
  const texts = await readInput(options);
  const progress = await createProgress(io.stderr);
  let results: TokenizedText[];
  try {
    const tokenizer = await io.loadTokenizer(await findModel(options, TEXT_FILES, io, progress));
    results = texts.map((text) => {
      const ids = tokenizer.encode(text);
      return { ids, tokens: tokenizer.tokens(ids), decoded: tokenizer.decode(ids) };
    });
  } finally {
    progress.hide();
  }
  io.stdout.write(options.json ? `${JSON.stringify(results)}\n` : results.map(toLines).join('\n'));
}

async function readInput({ text, file }: TokenizeOptions): Promise<string[]> {
  if (text !== undefined) return [await readText(text)];
  if (file !== undefined) return await readTexts(file);
  throw new UsageError('nothing to tokenize: give --text or --file');
}

function toLines({ ids, tokens }: TokenizedText): string {
  return ids.map((id, i) => `${id}\t${JSON.stringify(tokens[i])}\n`).join('');
}
