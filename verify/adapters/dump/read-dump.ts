import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  CASES_FILE,
  type DumpCase,
  type DumpCases,
  ENGINE_FILE,
  README_FILE,
} from '../../../golden/dump-layout.ts';
import { SubjectError } from '../../errors.ts';
import { arrayFileNames, type DumpArrays, type DumpSizes, openDumpArrays } from './dump-arrays.ts';
import { checkCasesFile, type DumpAnswer, readDumpAnswer } from './dump-json.ts';

/** Problems that are listed; a folder of another model has one for each case. */
const MAX_PROBLEMS = 20;

/** What an engine wrote of one case. */
export interface DumpedCase {
  readonly case: DumpCase;
  readonly answer: DumpAnswer;
  readonly arrays: DumpArrays;
}

/** The files of a folder, without its folders and hidden files. @throws SubjectError if it cannot be read. */
export function dumpFiles(folder: string): Set<string> {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    const files = entries.filter((entry) => !entry.isDirectory() && !entry.name.startsWith('.'));
    return new Set(files.map(({ name }) => name));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new SubjectError(`cannot read ${folder} (${code}); expected a folder of written answers`, {
      cause,
    });
  }
}

/**
 * Reads a folder of written answers and checks that it is whole. Of arrays only the headers are read.
 *
 * @param expected what the judge asks.
 * @throws SubjectError that lists all that is wrong: missing files, files of no case, arrays of other
 * shapes, cases that have scores in another form than the first.
 */
export function readDump(folder: string, expected: DumpCases, sizes: DumpSizes): DumpedCase[] {
  const files = dumpFiles(folder);
  const problems: string[] = [];
  const collect = <T>(task: () => T): T | undefined => {
    try {
      return task();
    } catch (error) {
      if (!(error instanceof SubjectError)) throw error;
      problems.push(error.message);
      return undefined;
    }
  };
  if (files.has(CASES_FILE)) collect(() => checkCasesFile(join(folder, CASES_FILE), expected));
  else problems.push(`${join(folder, CASES_FILE)}: is missing; write the answers beside the exported file`);
  const dumped = expected.cases.flatMap((each) => {
    const name = `${each.id}.json`;
    const arrays = collect(() => openDumpArrays(folder, each, files, sizes));
    if (!files.has(name)) {
      problems.push(`${join(folder, name)}: is missing`);
      return [];
    }
    const answer = collect(() => readDumpAnswer(join(folder, name), each));
    return arrays && answer ? [{ case: each, answer, arrays }] : [];
  });
  problems.push(...unevenScores(folder, dumped), ...strangeFiles(folder, files, expected));
  if (problems.length === 0) return dumped;
  const more = problems.length > MAX_PROBLEMS ? `\n  and ${problems.length - MAX_PROBLEMS} more` : '';
  const listed = problems.slice(0, MAX_PROBLEMS).map((problem) => `\n  ${problem}`);
  throw new SubjectError(`the answers in ${folder} are not whole:${listed.join('')}${more}`);
}

/** How the scores of a case are given. */
export function scoresOf({ arrays }: DumpedCase): 'all' | 'top' | 'none' {
  return arrays.logits ? 'all' : arrays.ids ? 'top' : 'none';
}

/** A case that failed has no scores; all others have them in one form. */
function unevenScores(folder: string, dumped: readonly DumpedCase[]): string[] {
  const scored = dumped.filter((each) => each.case.forward && each.answer.error === undefined);
  const [first] = scored;
  const words = { all: 'logits', top: 'ids and logprobs', none: 'no scores' };
  return scored
    .filter((each) => scoresOf(each) !== scoresOf(first))
    .map(
      (each) =>
        `${join(folder, each.case.id)}: has ${words[scoresOf(each)]}, and "${first.case.id}" has ${words[scoresOf(first)]}; expected the same form`,
    );
}

function strangeFiles(folder: string, files: ReadonlySet<string>, { cases }: DumpCases): string[] {
  const known = new Set([CASES_FILE, ENGINE_FILE, README_FILE]);
  for (const { id } of cases) {
    for (const name of [`${id}.json`, ...arrayFileNames(id)]) known.add(name);
  }
  return [...files].filter((name) => !known.has(name)).map((name) => `${join(folder, name)}: is of no case`);
}
