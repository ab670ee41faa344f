/** What is shown of a line. */
const MAX_SHOWN_CHARACTERS = 200;

/** A line of a program as messages quote it: its first 200 characters. */
export function quoteLine(line: string): string {
  const cut = line.slice(0, MAX_SHOWN_CHARACTERS);
  return `${JSON.stringify(cut)}${cut.length < line.length ? '…' : ''}`;
}
