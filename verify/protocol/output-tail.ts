import { StringDecoder } from 'node:string_decoder';

/** Enough for a stack trace. */
const MAX_LINES = 20;
const MAX_CHARACTERS = 400;

/** The last lines of an output, in memory that does not grow with it. */
export class OutputTail {
  readonly #decoder = new StringDecoder('utf8');
  #lines: string[] = [];
  /** The line that has not ended, its beginning. */
  #open = '';

  add(chunk: Buffer): void {
    const [first, ...others] = this.#decoder.write(chunk).split('\n');
    this.#open = (this.#open + first).slice(0, MAX_CHARACTERS);
    for (const line of others) {
      this.#lines.push(this.#open);
      this.#open = line.slice(0, MAX_CHARACTERS);
    }
    this.#lines = this.#lines.slice(-MAX_LINES);
  }

  /** The last lines, at most 20, each cut after 400 characters; empty if there was no output. */
  get lines(): readonly string[] {
    const all = [...this.#lines, this.#open].map((line) => line.trimEnd());
    return all.filter((line) => line !== '').slice(-MAX_LINES);
  }
}
