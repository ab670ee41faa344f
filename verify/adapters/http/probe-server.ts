import { NotSupportedError, SubjectError } from '../../errors.ts';
import { askServer, type ServerProfile, scoresOf } from './asking.ts';
import type { Ask, Dialect } from './dialect.ts';
import { isRefusal } from './nonsense.ts';

/** ASCII, one token in the tokenizers of all Qwen models. */
const PROBE_TEXT = '!';
/** Ids that every vocabulary has. */
const PROBE_IDS: readonly number[] = Object.freeze([1, 2, 3, 4]);
const PROBE_PROMPT = 'The capital of France is';

/** A short prompt that a server can be given. */
export function probePrompt({ prompts, text }: Pick<ServerProfile, 'prompts' | 'text'>): readonly number[] {
  return prompts === 'text' && text ? text.encode(PROBE_PROMPT) : PROBE_IDS;
}

/** What a server may give, before it is asked. */
export type Connected = Omit<ServerProfile, 'prompts' | 'top' | 'scoresPrompts' | 'wholeToken'>;

/**
 * Finds out how a server takes prompts, how many of the likeliest tokens it gives, and whether it scores
 * prompts: asks for the most first, and for less when it refuses.
 *
 * @throws SubjectError if it refuses every way; NoAnswerError if it does not answer.
 */
export async function probeServer(
  connected: Connected,
  wholeToken: number | undefined,
  signal?: AbortSignal,
): Promise<ServerProfile> {
  const { dialect } = connected;
  let refusal: unknown;
  for (const prompts of dialect.prompts) {
    if (prompts === 'text' && !connected.text) {
      refusal ??= new NotSupportedError(
        `${dialect.title} takes text, and the model's directory has no tokenizer; expected tokenizer.json in it`,
      );
      continue;
    }
    for (const top of [...dialect.tops, 0]) {
      const server = {
        ...connected,
        prompts,
        top,
        scoresPrompts: false,
        ...(wholeToken === undefined ? {} : { wholeToken }),
      };
      const asked = `probe for the ${top} likeliest tokens`;
      try {
        const { rows } = await askServer(server, {
          asked,
          ids: probePrompt(server),
          maxNewTokens: 1,
          signal,
        });
        const given = rows?.[0] ? top : 0;
        if (rows?.[0]) scoresOf(server, asked, rows[0]);
        // A row may be left out of this answer alone.
        const taken = { ...server, top: given || (dialect.omitsCutCharacters ? top : 0) };
        return { ...taken, scoresPrompts: taken.top > 0 && (await takesPromptRows(taken, signal)) };
      } catch (error) {
        if (!(error instanceof NotSupportedError || isRefusal(error))) throw error;
        refusal ??= error;
      }
    }
  }
  throw refusal;
}

/** A token of whole characters, where one is needed. */
export async function findWholeToken(
  dialect: Dialect,
  ask: Ask,
  model: string | undefined,
): Promise<number | undefined> {
  if (!dialect.omitsCutCharacters) return undefined;
  const ids = await tokenizeOrRefuse(dialect, ask, model);
  return ids?.length === 1 ? ids[0] : undefined;
}

/** Whether the server can be asked for the ids of a text. */
export async function takesText(dialect: Dialect, ask: Ask, model: string | undefined): Promise<boolean> {
  return (await tokenizeOrRefuse(dialect, ask, model)) !== undefined;
}

async function tokenizeOrRefuse(
  dialect: Dialect,
  ask: Ask,
  model: string | undefined,
): Promise<number[] | undefined> {
  try {
    return await dialect.tokenize?.(ask, PROBE_TEXT, model);
  } catch (error) {
    if (error instanceof SubjectError) return undefined;
    throw error;
  }
}

async function takesPromptRows(server: ServerProfile, signal?: AbortSignal): Promise<boolean> {
  if (!server.dialect.scoresPrompts) return false;
  const asked = "probe for the prompt's own log-probabilities";
  const question = { asked, ids: probePrompt(server), maxNewTokens: 1, promptRows: true, signal };
  try {
    // Servers that do not know the field ignore it.
    return (await askServer(server, question)).promptRows !== undefined;
  } catch (error) {
    if (error instanceof NotSupportedError || isRefusal(error)) return false;
    throw error;
  }
}
