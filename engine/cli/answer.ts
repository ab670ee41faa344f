import type { GenerateRequest, GenerateResult } from '../requests.ts';
import type { TextStream } from '../text/stream.ts';
import type { LoadedTokenizer, RunningEngine } from './io.ts';

/** A finished request: the engine's result, and its tokens as text. */
export interface Answer extends GenerateResult {
  /** Without the end-of-sequence token that ended it; null without a tokenizer. */
  text: string | null;
}

/** What {@link answer} takes beside the request. */
export interface AnswerOptions {
  tokenizer: LoadedTokenizer | undefined;
  /** The model's end-of-sequence tokens. */
  eosTokenIds: readonly number[];
  /**
   * Is told what to print as it comes.
   *
   * @param piece of the text, or of the row of token ids if there is no tokenizer; may be ''.
   * @param count tokens generated so far.
   */
  onPiece(piece: string, count: number): void;
}

/** Continues one prompt. */
export async function answer(
  engine: RunningEngine,
  request: GenerateRequest,
  { tokenizer, eosTokenIds, onPiece }: AnswerOptions,
): Promise<Answer> {
  const stream = tokenizer?.createStream() ?? createIdStream();
  const generation = engine.generate(request);
  let text = '';
  let count = 0;
  const tell = (piece: string) => {
    text += piece;
    onPiece(piece, count);
  };
  let step = await generation.next();
  for (; !step.done; step = await generation.next()) {
    const { token } = step.value;
    const isEnd = !request.ignoreEos && eosTokenIds.includes(token);
    count++;
    // The token that ends a text is no part of it; as a number, it is one of the row.
    tell(isEnd && tokenizer ? '' : stream.push(token));
  }
  tell(stream.end());
  return { ...step.value, text: tokenizer ? text : null };
}

/** Where there is no tokenizer, ids are written as numbers with a space between. */
function createIdStream(): TextStream {
  let separator = '';
  return {
    push(id) {
      const piece = `${separator}${id}`;
      separator = ' ';
      return piece;
    },
    end: () => '',
  };
}
