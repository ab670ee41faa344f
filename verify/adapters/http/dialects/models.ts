import { z } from 'zod';
import { SubjectError } from '../../../errors.ts';
import type { Ask } from '../dialect.ts';

const modelList = z.object({
  data: z.array(z.looseObject({ id: z.string(), owned_by: z.string().nullish() })),
});

/** A model that an OpenAI-compatible server lists. */
export interface ListedModel {
  readonly id: string;
  /** Many servers write their own name here. */
  readonly ownedBy: string;
}

/** What an OpenAI-compatible server lists under /v1/models; undefined if it has no such list. */
export async function listModels(ask: Ask): Promise<ListedModel[] | undefined> {
  const list = await answerOf(ask, '/v1/models', modelList);
  return list?.data.map(({ id, owned_by }) => ({ id, ownedBy: owned_by ?? '' }));
}

/** Servers that have another's API and say who they are, by what they write as the owner of models. */
const OWNERS: Readonly<Record<string, string>> = Object.freeze({ plumbline: 'Plumbline' });

/** The name of the server that lists these models; undefined if it does not say one that is known. */
export function serverName(models: readonly ListedModel[]): string | undefined {
  return models.map(({ ownedBy }) => OWNERS[ownedBy]).find((name) => name !== undefined);
}

/** A GET that identifies a server; undefined if it refuses, or answers something else. */
export async function answerOf<T>(ask: Ask, path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  try {
    const read = schema.safeParse(await ask({ method: 'GET', path }));
    return read.success ? read.data : undefined;
  } catch (error) {
    if (error instanceof SubjectError) return undefined;
    throw error;
  }
}
