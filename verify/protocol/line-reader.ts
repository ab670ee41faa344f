/** Cuts a stream of bytes into lines, and holds no more than one line of limited length. */
export class LineReader {
  readonly #maxBytes: number;
  #chunks: Buffer[] = [];
  #bytes = 0;

  /** @param maxBytes of a line, without its end. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * @returns the lines that this chunk ends, without their ends.
   * @throws RangeError if a line is longer than the limit, with its beginning.
   */
  read(chunk: Buffer): string[] {
    const lines: string[] = [];
    let begin = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, begin)) {
      this.#add(chunk.subarray(begin, end));
      lines.push(this.rest);
      this.#chunks = [];
      this.#bytes = 0;
      begin = end + 1;
    }
    this.#add(chunk.subarray(begin));
    return lines;
  }

  /** What came after the last end of a line. */
  get rest(): string {
    return Buffer.concat(this.#chunks).toString('utf8');
  }

  #add(part: Buffer): void {
    if (part.length === 0) return;
    this.#chunks.push(part);
    this.#bytes += part.length;
    if (this.#bytes <= this.#maxBytes) return;
    const beginning = Buffer.concat(this.#chunks.slice(0, 1)).toString('utf8', 0, 80);
    throw new RangeError(`a line has more than ${this.#maxBytes} bytes: ${JSON.stringify(beginning)}…`);
  }
}
