import { basename, join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { readModelConfig } from '../../../engine/checkpoint/read-config.ts';
import { type DumpCases, ENGINE_FILE } from '../../../golden/dump-layout.ts';
import { NotSupportedError, SubjectError } from '../../errors.ts';
import type { ForwardAnswer, Subject, SubjectModel, TokenScores } from '../../subject.ts';
import { type DumpEngine, readDumpEngine } from './dump-json.ts';
import { type DumpedCase, dumpFiles, readDump, scoresOf } from './read-dump.ts';

/**
 * An engine that has written its answers to files: what it wrote is all that it can be asked for.
 *
 * @param cases what the judge asks; the folder has to have answers to exactly these.
 * @throws SubjectError if the folder or its `engine.json` cannot be read.
 */
export function dumpSubject(folder: string, cases: DumpCases): Subject {
  const said: DumpEngine = dumpFiles(folder).has(ENGINE_FILE)
    ? readDumpEngine(join(folder, ENGINE_FILE))
    : { name: `answers in ${basename(resolve(folder))}` };
  const { precision, ...info } = said;
  return {
    info,
    async load(modelDir) {
      return dumpModel(readDump(folder, cases, await readModelConfig(modelDir)), precision);
    },
  };
}

function dumpModel(dumped: readonly DumpedCase[], precision: DumpEngine['precision']): SubjectModel {
  const scored = dumped.find((each) => scoresOf(each) !== 'none');
  const hasPromptIds = (kind: 'text' | 'conversation') =>
    dumped.some((each) => each.case[kind] !== undefined && each.answer.promptIds !== undefined);
  /** @throws NotSupportedError if no case asks that. */
  const find = (asked: string, matches: (each: DumpedCase) => boolean): DumpedCase => {
    const found = dumped.find(matches);
    if (found) return found;
    throw new NotSupportedError(`${asked}: skipped: the files have no answer to this request`);
  };
  const promptIds = (asked: string, matches: (each: DumpedCase) => boolean) => {
    const found = find(asked, (each) => each.answer.promptIds !== undefined && matches(each));
    return [...(found.answer.promptIds ?? [])];
  };
  return {
    capabilities: {
      scores: scored ? scoresOf(scored) : 'none',
      hidden: dumped.some(({ arrays }) => arrays.hidden),
      tokenize: hasPromptIds('text'),
      chat: hasPromptIds('conversation'),
      // Files are read one after the other.
      maxConcurrency: 1,
      ...(precision ? { precision } : {}),
    },
    async forward({ ids, positions, hidden = false }) {
      const asked = `forward of ${ids.length} ids`;
      const found = find(asked, ({ case: { forward = NO_FORWARD } }) =>
        isDeepStrictEqual(forward, { ids, positions }),
      );
      return forwardAnswer(asked, found, hidden);
    },
    async generate({ ids, maxNewTokens }) {
      const asked = `generate of ${maxNewTokens} tokens after ${ids.length} ids`;
      const { answer } = find(asked, ({ case: { generate } }) =>
        isDeepStrictEqual(generate, { ids, maxNewTokens }),
      );
      if (!answer.tokens) throw new SubjectError(`${asked}: the engine answers: ${answer.error}`);
      return { tokens: answer.tokens };
    },
    async tokenize(text) {
      const asked = `tokenize of ${text.length} characters`;
      return promptIds(asked, ({ case: each }) => each.text === text);
    },
    async tokenizeChat(conversation) {
      const asked = `tokenizeChat of ${conversation.messages.length} messages`;
      const wanted = { addGenerationPrompt: true, ...conversation };
      return promptIds(asked, ({ case: each }) => isDeepStrictEqual(each.conversation, wanted));
    },
    async close() {},
  };
}

/** A case whose prompt has to be refused: of an empty prompt no position can be asked for. */
const NO_FORWARD = { ids: [], positions: [] };

function forwardAnswer(asked: string, { answer, arrays }: DumpedCase, hidden: boolean): ForwardAnswer {
  if (answer.error !== undefined) throw new SubjectError(`${asked}: the engine answers: ${answer.error}`);
  const scores = arrays.logits ?? arrays.logprobs;
  if (!scores) throw new NotSupportedError(`${asked}: skipped: the files have no scores`);
  const values = scores.floats();
  const ids = arrays.ids?.integers();
  const [count, width] = scores.shape;
  const rows = Array.from({ length: count }, (_, row): TokenScores => {
    const [begin, end] = [row * width, (row + 1) * width];
    return { ...(ids ? { ids: ids.subarray(begin, end) } : {}), values: values.subarray(begin, end) };
  });
  return { rows, ...(hidden && arrays.hidden ? { hidden: arrays.hidden.floats() } : {}) };
}
