import { writeFileSync } from 'node:fs';
import { z } from 'zod';
import { verdictSchema } from '../../../verify/verdict.ts';

export const SCHEMA_FILE = new URL('../../../verify/verdict.schema.json', import.meta.url);

/** The JSON schema of a verdict, as its file has it. */
export function verdictJsonSchema(): object {
  const schema = z.toJSONSchema(verdictSchema);
  const head = { $schema: schema.$schema, title: 'The verdict of plumbline-verify on an engine' };
  return { ...head, ...schema };
}

// `node spec/support/verify/verdict-schema.ts` writes it anew; `npm run format` lays it out.
if (import.meta.main) writeFileSync(SCHEMA_FILE, `${JSON.stringify(verdictJsonSchema(), null, 2)}\n`);
