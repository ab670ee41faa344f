import { UsageError } from '../../../engine/errors.ts';

/**
 * The program and its arguments.
 *
 * @param command a list, or one text that is split as a shell would split it. There are no variables, globs
 * or pipes.
 * @throws UsageError if a quote is open, or there is no program.
 */
export function parseCommand(command: string | readonly string[]): readonly string[] {
  const argv = typeof command === 'string' ? splitCommand(command) : command;
  if (argv.length === 0 || argv[0] === '') {
    throw new UsageError(
      'give a program and its arguments, such as "python3 engine.py"; the command is empty',
    );
  }
  return argv;
}

/** What a backslash escapes between double quotes; before any other character it stands for itself. */
const ESCAPED_IN_QUOTES = new Set(['"', '\\', '$', '`', '\n']);

/**
 * Splits a command into words by the quoting rules of POSIX' shell language, section 2.2. npm's shlex takes a
 * backslash between single quotes for an escape if double quotes follow in the same word.
 */
function splitCommand(command: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let i = 0; i < command.length; i++) {
    const character = command[i];
    if (quote === "'" && character !== quote) word += character;
    else if (character === quote) quote = '';
    else if (character === '\\' && (quote === '' || ESCAPED_IN_QUOTES.has(command[i + 1]))) {
      i++;
      if (i === command.length) throw openError(command, 'a backslash at its end');
      // An escaped newline continues the line.
      if (command[i] !== '\n') word = (word ?? '') + command[i];
    } else if (quote !== '') word += character;
    else if (character === "'" || character === '"') {
      quote = character;
      word ??= '';
    } else if (/[ \t\r\n]/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + character;
  }
  if (quote !== '') throw openError(command, `an open ${quote}`);
  return word === undefined ? words : [...words, word];
}

function openError(command: string, what: string): UsageError {
  return new UsageError(`cannot split the command ${JSON.stringify(command)}: it has ${what}`);
}
