import { mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'ava';
import { HubError } from '../../../../engine/errors.ts';
import { type Environment, hubSettings } from '../../../../engine/hub/settings.ts';
import { temporaryFolder, trackResources } from '../../../support/processes/cleanup.ts';

trackResources(test);

test('the defaults are the public hub and the cache in the home folder', (t) => {
  t.like(hubSettings({ HF_TOKEN_PATH: '/not/there' }), {
    cacheDir: join(homedir(), '.cache', 'huggingface', 'hub'),
    endpoint: 'https://huggingface.co',
    token: undefined,
    offline: undefined,
  });
});

test('the cache is found as huggingface_hub finds it', (t) => {
  const all = {
    HOME: '/home/me',
    XDG_CACHE_HOME: '/xdg',
    HF_HOME: '/hf',
    HUGGINGFACE_HUB_CACHE: '/old',
    HF_HUB_CACHE: '/hub',
  };
  const without = (...names: string[]): Environment => ({
    ...all,
    ...Object.fromEntries(names.map((name) => [name, undefined])),
  });
  const braced = (name: string) => ['$', '{', name, '}'].join('');
  const cases: [Environment, string][] = [
    [all, '/hub'],
    [without('HF_HUB_CACHE'), '/old'],
    [without('HF_HUB_CACHE', 'HUGGINGFACE_HUB_CACHE'), '/hf/hub'],
    [without('HF_HUB_CACHE', 'HUGGINGFACE_HUB_CACHE', 'HF_HOME'), '/xdg/huggingface/hub'],
    [{ HOME: '/home/me' }, '/home/me/.cache/huggingface/hub'],
    [{ HOME: '/home/me', HF_HUB_CACHE: '', HF_HOME: '' }, '/home/me/.cache/huggingface/hub'],
    [{ HOME: '/home/me', HF_HUB_CACHE: '~/models' }, '/home/me/models'],
    [{ HOME: '/home/me', HF_HOME: '~' }, '/home/me/hub'],
    [{ HOME: '/home/me', HF_HUB_CACHE: '~you/models' }, '~you/models'],
    [{ HOME: '/home/me', HF_HUB_CACHE: '$HOME/hub' }, '/home/me/hub'],
    [{ HF_HOME: `${braced('DATA')}/hf`, DATA: '/data' }, '/data/hf/hub'],
    [{ HF_HUB_CACHE: `/$UNSET/${braced('UNSET')}/$` }, `/$UNSET/${braced('UNSET')}/$`],
  ];
  for (const [env, expected] of cases) t.is(hubSettings(env).cacheDir, expected, JSON.stringify(env));
});

test('trailing slashes of the endpoint are dropped', (t) => {
  t.is(hubSettings({ HF_ENDPOINT: 'http://mirror:8080/hf//' }).endpoint, 'http://mirror:8080/hf');
});

test('an endpoint that is not an http address is refused', (t) => {
  for (const address of ['huggingface.co', 'ftp://huggingface.co', 'https://', 'localhost:8080']) {
    t.throws(() => hubSettings({ HF_ENDPOINT: address }), {
      instanceOf: HubError,
      message: `HF_ENDPOINT "${address}" is not the address of a hub; expected something like https://huggingface.co`,
    });
  }
});

test('an endpoint with a user or a password is refused without showing it', (t) => {
  for (const user of ['me:hunter2', 'hunter2', ':hunter2']) {
    t.throws(() => hubSettings({ HF_ENDPOINT: `https://${user}@mirror` }), {
      instanceOf: HubError,
      message: 'HF_ENDPOINT carries a user or password, which fetch refuses; set HF_TOKEN instead',
    });
  }
});

test('white space around the token is dropped, and an empty token counts as unset', (t) => {
  for (const name of ['HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN']) {
    t.is(hubSettings({ [name]: ' hf_abc\n' }).token, 'hf_abc');
  }
  t.is(hubSettings({ HF_TOKEN: ' ', HF_TOKEN_PATH: '/not/there' }).token, undefined);
});

test('the token is found as huggingface_hub finds it', (t) => {
  const home = temporaryFolder(t);
  const write = (path: string, token: string) => {
    mkdirSync(dirname(join(home, path)), { recursive: true });
    writeFileSync(join(home, path), token);
  };
  write('.cache/huggingface/token', 'of-home\n');
  write('xdg/huggingface/token', 'of-xdg');
  write('hf/token', 'of-hf-home\n');
  write('elsewhere', 'of-path');
  write('empty', '\n');
  const all = {
    HOME: home,
    XDG_CACHE_HOME: join(home, 'xdg'),
    HF_HOME: '~/hf',
    HF_TOKEN_PATH: '~/elsewhere',
    HUGGING_FACE_HUB_TOKEN: 'old',
    HF_TOKEN: 'new',
  };
  const names = Object.keys(all).reverse();
  const expected = ['new', 'old', 'of-path', 'of-hf-home', 'of-xdg', 'of-home'];
  for (const [i, token] of expected.entries()) {
    const unset = Object.fromEntries(names.slice(0, i).map((name) => [name, undefined]));
    t.is(hubSettings({ ...all, ...unset }).token, token);
  }
  t.is(hubSettings({ HF_TOKEN_PATH: join(home, 'empty') }).token, undefined);
  t.is(hubSettings({ HF_TOKEN_PATH: join(home, 'empty', 'below') }).token, undefined);
});

test('an error of a token file names the file and does not show its content', (t) => {
  const folder = temporaryFolder(t);
  t.throws(() => hubSettings({ HF_TOKEN_PATH: folder }), {
    instanceOf: HubError,
    message: `cannot read ${folder}, the token of hf auth login (EISDIR); give access to it, or remove it`,
  });
  const path = join(folder, 'token');
  writeFileSync(path, 'hf_secret\nhf_another');
  t.throws(() => hubSettings({ HF_TOKEN_PATH: path }), {
    instanceOf: HubError,
    message: `${path} has characters that are invalid in a token; copy it again from your settings on the hub`,
  });
});

test('a token that is invalid in a header is refused without showing it', (t) => {
  for (const token of ['hf_secret\r\nX: y', 'hf_secret–']) {
    const { message } = t.throws(() => hubSettings({ HF_TOKEN: token }), { instanceOf: HubError });
    t.notRegex(message, /secret/);
  }
});

test('no token is sent if HF_HUB_DISABLE_IMPLICIT_TOKEN forbids it', (t) => {
  t.is(hubSettings({ HF_TOKEN: 'hf_abc', HF_HUB_DISABLE_IMPLICIT_TOKEN: '1' }).token, undefined);
  t.is(hubSettings({ HF_TOKEN: 'hf_abc', HF_HUB_DISABLE_IMPLICIT_TOKEN: '0' }).token, 'hf_abc');
});

test('offline names the variable that sets it', (t) => {
  const cases: [Environment, string | undefined][] = [
    [{ HF_HUB_OFFLINE: '1' }, 'HF_HUB_OFFLINE=1'],
    [{ HF_HUB_OFFLINE: 'True' }, 'HF_HUB_OFFLINE=True'],
    [{ TRANSFORMERS_OFFLINE: 'yes' }, 'TRANSFORMERS_OFFLINE=yes'],
    // As in huggingface_hub, the more special variable counts, whatever it says.
    [{ HF_HUB_OFFLINE: '0', TRANSFORMERS_OFFLINE: 'ON' }, undefined],
    [{ HF_HUB_OFFLINE: '', TRANSFORMERS_OFFLINE: 'ON' }, 'TRANSFORMERS_OFFLINE=ON'],
    [{ HF_HUB_OFFLINE: '' }, undefined],
  ];
  for (const [env, expected] of cases) t.is(hubSettings(env).offline, expected, JSON.stringify(env));
});
