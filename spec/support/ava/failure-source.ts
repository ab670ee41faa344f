/** A message that a test file's process sends to AVA, as far as it is read here. */
export interface AvaMessage {
  readonly ava?: {
    readonly err?: { source?: FailureSource | null; readonly stack?: string };
  };
}

/** The line of a test that AVA shows with a failure. */
interface FailureSource {
  readonly file: string;
  readonly line: number;
  readonly isDependency: boolean;
  readonly isWithinProject: boolean;
}

/**
 * Fills in the line of a spec that failed. AVA looks for it in the file that it has started alone, which is
 * not the spec here, and shows neither the line nor a readable stack without it.
 */
export function addFailureSource({ ava }: AvaMessage): void {
  const error = ava?.err;
  if (error?.source !== null) return;
  const [, file, line] = /(file:\/\/\S+\.spec\.ts):(\d+):\d+/.exec(error.stack ?? '') ?? [];
  if (file !== undefined) {
    error.source = { file, line: Number(line), isDependency: false, isWithinProject: true };
  }
}
