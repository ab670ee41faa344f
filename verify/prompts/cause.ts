/** What a model's tokenizer and chat template can be asked, to find out why ids differ. */
export interface PromptTools {
  encode(text: string, options?: { addSpecialTokens?: boolean }): number[];
  /** The text of ids, special tokens included. */
  decode(ids: readonly number[]): string;
  /** A special token's id; undefined if there is no such token. */
  specialId(token: string): number | undefined;
  /** Renders the conversation of the prompt with other options; undefined if the prompt is a text. */
  render?(options: { addGenerationPrompt?: boolean; enableThinking?: boolean; withTools?: boolean }): string;
}

/** A prompt whose ids are not HuggingFace's. */
export interface WrongPrompt {
  readonly got: readonly number[];
  readonly expected: readonly number[];
  /** The text, or the rendered conversation. */
  readonly text: string;
}

/**
 * The likely cause of other ids, where it is a known one: each cause predicts ids, and the one whose
 * prediction is what the subject gave is named.
 *
 * @returns undefined if no known cause gives these ids.
 */
export function causeOf({ got, expected, text }: WrongPrompt, tools: PromptTools): string | undefined {
  const encode = (changed: string) => tools.encode(changed, { addSpecialTokens: false });
  const rendered = (options: Parameters<NonNullable<PromptTools['render']>>[0]) => {
    const changed = tools.render?.(options);
    return changed === undefined ? undefined : encode(changed);
  };
  const bos = ['<|endoftext|>', '<s>', '<bos>', '<|im_start|>'].map((token) => tools.specialId(token));
  const predictions: readonly (readonly [cause: string, ids: readonly number[] | undefined])[] = [
    ['the conversation has no generation prompt', rendered({ addGenerationPrompt: false })],
    ['an empty thinking block was added (enable_thinking is false)', rendered({ enableThinking: false })],
    ['thinking is enabled, and the prompt asks for none', rendered({ enableThinking: true })],
    ['the tools were not given to the chat template', rendered({ withTools: false })],
    ['the text was normalised to NFC', encode(text.normalize('NFC'))],
    ['the text was normalised to NFD', encode(text.normalize('NFD'))],
    ['white space around the text was removed', encode(text.trim())],
    ['special tokens in the text were encoded as text', encodeAsText(text, encode)],
  ];
  const found = predictions.find(
    ([, ids]) => ids !== undefined && sameIds(ids, got) && !sameIds(ids, expected),
  );
  if (found) return found[0];
  // `encode` normalises by itself: it cannot predict what a tokenizer without this step gives.
  if (text !== text.normalize('NFC') && tools.decode(got) === text && tools.decode(expected) !== text) {
    return 'the text was not normalised to NFC';
  }
  if (bos.includes(got[0]) && sameIds(got.slice(1), expected))
    return 'a beginning-of-sequence token was added';
  if (sameIds(got.slice(0, -1), expected))
    return 'a token was added at the end, an end-of-sequence token perhaps';
  if (sameIds(got, expected.slice(1))) return 'the first token is missing';
  if (sameIds(got, expected.slice(0, -1))) return 'the last token is missing';
  return undefined;
}

/**
 * Special tokens look like `<|im_start|>` or `<think>`: a character is put between the halves, so that none
 * is found.
 */
function encodeAsText(text: string, encode: (text: string) => number[]): number[] | undefined {
  const parts = text.split(/(?<=<)(?=\|?\w+\|?>|\/?\w+>)/);
  return parts.length > 1 ? parts.flatMap(encode) : undefined;
}

function sameIds(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((id, i) => id === b[i]);
}
