import type { VerifyCase } from '../../golden/verify-case.ts';
import { type Outcome, settle } from '../ask/outcome.ts';
import type { Conversation, SubjectModel } from '../subject.ts';
import type { Verdict } from '../verdict.ts';
import { causeOf } from './cause.ts';
import type { ModelText } from './prompt-tools.ts';

/** What says how a prompt was taken where the ids are not known. */
export const NUMBER_OF_TOKENS = 'number of tokens';

type PromptVerdict = Verdict['prompt'];
type PromptCase = PromptVerdict['cases'][number];

/**
 * Holds the ids that a subject makes of texts and conversations to HuggingFace's.
 *
 * @param text the model's own tokenizer, to show tokens as text; undefined if it has none.
 * @throws the reason of `signal` if it is aborted.
 */
export async function judgePrompts(
  subject: SubjectModel,
  cases: readonly VerifyCase[],
  text: ModelText | undefined,
  signal?: AbortSignal,
): Promise<PromptVerdict> {
  const judged: PromptCase[] = [];
  for (const each of cases) {
    signal?.throwIfAborted();
    const ask = questionOf(subject, each);
    if (ask) judged.push(judgePrompt(each, ask.by, await settle(ask.ids, signal), text));
    else if (each.text !== undefined && subject.countTokens) {
      const { text: asked } = each;
      judged.push(judgeCount(each, await settle(() => subject.countTokens!(asked), signal)));
    }
  }
  const wrong = judged.some(({ verdict }) => verdict === 'wrong');
  const right = judged.some(({ verdict }) => verdict === 'right');
  return { verdict: wrong ? 'wrong' : right ? 'right' : 'unknown', cases: judged };
}

/** How a subject can be asked for the ids of a case; undefined if it cannot. */
function questionOf(
  { capabilities, tokenize, tokenizeChat }: SubjectModel,
  { text, conversation }: VerifyCase,
): { by: string; ids: () => Promise<number[]> } | undefined {
  if (conversation && capabilities.chat && tokenizeChat) {
    const { messages, template = {} } = conversation;
    const { tools, enableThinking, addGenerationPrompt } = template;
    const asked: Conversation = {
      messages,
      ...(tools ? { tools: tools as object[] } : {}),
      ...(enableThinking === undefined ? {} : { enableThinking }),
      ...(addGenerationPrompt === undefined ? {} : { addGenerationPrompt }),
    };
    return { by: 'tokenize of the conversation', ids: () => tokenizeChat(asked) };
  }
  if (text !== undefined && capabilities.tokenize && tokenize) {
    return { by: 'tokenize of the text', ids: () => tokenize(text) };
  }
  return undefined;
}

/** A refusal is no other number: a server may take no text, or not this one. */
function judgeCount({ id, promptIds }: VerifyCase, outcome: Outcome<number>): PromptCase {
  const by = NUMBER_OF_TOKENS;
  if (outcome.kind !== 'result')
    return { id, by, verdict: 'unknown', cause: `${outcome.kind}: ${outcome.message}` };
  const [got, expected] = [outcome.value, promptIds.length];
  if (got === expected) return { id, by, verdict: 'right' };
  const first = { what: by, position: Math.min(got, expected), got, expected };
  const cause = got === expected + 1 ? 'a beginning-of-sequence token was added, perhaps' : undefined;
  return { id, by, verdict: 'wrong', first, ...(cause ? { cause } : {}) };
}

function judgePrompt(
  each: VerifyCase,
  by: string,
  outcome: Outcome<number[]>,
  modelText: ModelText | undefined,
): PromptCase {
  const { id, promptIds: expected, text = '' } = each;
  if (outcome.kind !== 'result') {
    // Half a surrogate pair has no UTF-8, so a server may refuse it.
    const mayRefuse = outcome.kind === 'error' && !text.isWellFormed();
    const verdict = outcome.kind === 'skipped' || mayRefuse ? 'unknown' : 'wrong';
    return { id, by, verdict, cause: `${outcome.kind}: ${outcome.message}` };
  }
  const got = outcome.value;
  const length = Math.max(got.length, expected.length);
  const position = Array.from({ length }, (_, i) => i).find((i) => got[i] !== expected[i]);
  if (position === undefined) return { id, by, verdict: 'right' };
  const show = (ids: readonly number[]) => {
    const token = ids[position];
    if (token === undefined) return 'end of the prompt';
    return modelText ? `${token} ${JSON.stringify(modelText.tokens([token])[0])}` : token;
  };
  const first = { what: 'prompt ids', position, got: show(got), expected: show(expected) };
  const cause = modelText && causeOf({ got, expected, text }, modelText.toolsFor(each));
  return { id, by, verdict: 'wrong', first, ...(cause ? { cause } : {}) };
}
