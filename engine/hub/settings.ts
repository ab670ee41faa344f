import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { homeFolder } from '../checkpoint/cache-folder.ts';
import { HubError, show } from '../errors.ts';

/** Environment variables, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Settings of the hub from the variables that all HuggingFace tools share. */
export interface HubSettings {
  /** The folder that holds `models--ORG--NAME`. */
  readonly cacheDir: string;
  /** Without a trailing slash. */
  readonly endpoint: string;
  /** Sent to the endpoint only. */
  readonly token: string | undefined;
  /** The variable that forbids the network, as `NAME=value`. */
  readonly offline: string | undefined;
}

/** Values that huggingface_hub reads as true. */
const TRUE = /^(1|on|yes|true)$/i;

/**
 * Reads `HF_HUB_CACHE` (or `HF_HOME`, `XDG_CACHE_HOME`), `HF_ENDPOINT`, `HF_TOKEN` (or the file that `hf
 * auth login` writes) unless `HF_HUB_DISABLE_IMPLICIT_TOKEN` is set, and `HF_HUB_OFFLINE`, or
 * `TRANSFORMERS_OFFLINE` where it is not given. A variable that is empty counts as unset.
 *
 * @throws HubError if the endpoint is not an http(s) address, the token cannot be read or sent in a header,
 * or no variable says where the cache is and there is no home directory.
 */
export function hubSettings(env: Environment): HubSettings {
  // HF_HUB_OFFLINE=0 outweighs TRANSFORMERS_OFFLINE=1.
  const offline = env.HF_HUB_OFFLINE ? 'HF_HUB_OFFLINE' : 'TRANSFORMERS_OFFLINE';
  return {
    cacheDir: cacheDir(env),
    endpoint: endpoint(env),
    token: TRUE.test(env.HF_HUB_DISABLE_IMPLICIT_TOKEN ?? '') ? undefined : token(env),
    offline: TRUE.test(env[offline] ?? '') ? `${offline}=${env[offline]}` : undefined,
  };
}

/** @see https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables */
function cacheDir(env: Environment): string {
  // HUGGINGFACE_HUB_CACHE is the older name, which huggingface_hub still reads.
  const found = expanded(env.HF_HUB_CACHE || env.HUGGINGFACE_HUB_CACHE || join(hfHome(env), 'hub'), env);
  if (found !== undefined) return found;
  throw new HubError(
    'there is no home directory for the cache of models; set HF_HUB_CACHE to a folder for it',
  );
}

function hfHome(env: Environment): string {
  return env.HF_HOME || join(env.XDG_CACHE_HOME || join('~', '.cache'), 'huggingface');
}

/**
 * As Python's `expanduser` and `expandvars`: a variable that is not set stays as it is written.
 *
 * @returns undefined if the path begins with `~` and there is no home directory.
 */
function expanded(path: string, env: Environment): string | undefined {
  const [tilde] = /^~(?=$|[/\\])/.exec(path) ?? [''];
  const home = tilde ? homeFolder(env) : '';
  if (home === null) return undefined;
  return (home + path.slice(tilde.length)).replace(
    /\$(?:(\w+)|\{([^}]*)\})/g,
    (written, name, braced) => env[name ?? braced] ?? written,
  );
}

function endpoint(env: Environment): string {
  const address = (env.HF_ENDPOINT || 'https://huggingface.co').replace(/\/+$/, '');
  const url = URL.parse(address);
  if (url?.username || url?.password) {
    throw new HubError('HF_ENDPOINT carries a user or password, which fetch refuses; set HF_TOKEN instead');
  }
  if (!/^https?:$/.test(url?.protocol ?? '')) {
    throw new HubError(
      `HF_ENDPOINT ${show(env.HF_ENDPOINT)} is not the address of a hub; expected something like https://huggingface.co`,
    );
  }
  return address;
}

function token(env: Environment): string | undefined {
  // HUGGING_FACE_HUB_TOKEN is the older name, as above.
  const fromEnvironment = env.HF_TOKEN?.trim() || env.HUGGING_FACE_HUB_TOKEN?.trim();
  const path = expanded(env.HF_TOKEN_PATH || join(hfHome(env), 'token'), env);
  const text = fromEnvironment || (path && tokenFile(path));
  // Checked here, because an error of fetch would quote the secret.
  if (text && !/^[\x21-\x7e]+$/.test(text)) {
    throw new HubError(
      `${fromEnvironment ? 'HF_TOKEN' : path} has characters that are invalid in a token; copy it again from your settings on ` +
        'the hub',
    );
  }
  return text || undefined;
}

function tokenFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim() || undefined;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new HubError(
      `cannot read ${path}, the token of hf auth login (${code}); give access to it, or remove it`,
      {
        cause,
      },
    );
  }
}
