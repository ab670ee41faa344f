import { ENGINE } from '../figure.ts';
import type { LoadPeer } from './peer.ts';

/** A subject of the bench: how the command line calls it, how a reader does, and where its module is. */
export interface PeerEntry {
  id: string;
  title: string;
  module: URL;
  /** Whether it is our engine in another form, which only the suite about that form measures. */
  isOurs?: boolean;
}

/** Our engine and those beside it. Each module is imported by the process that runs it alone. */
export const PEERS: readonly PeerEntry[] = [
  { id: 'plumbline', title: ENGINE, module: new URL('plumbline.ts', import.meta.url) },
  {
    id: 'transformers.js',
    title: 'transformers.js (f32)',
    module: new URL('transformers-js.ts', import.meta.url),
  },
  {
    id: 'onnxruntime-web',
    title: 'onnxruntime-web (f32)',
    module: new URL('onnxruntime-web.ts', import.meta.url),
  },
  {
    id: 'node-llama-cpp',
    title: 'node-llama-cpp (bf16)',
    module: new URL('node-llama-cpp.ts', import.meta.url),
  },
  {
    id: 'plumbline-serve',
    title: 'plumbline serve',
    module: new URL('plumbline-serve.ts', import.meta.url),
    isOurs: true,
  },
  {
    id: 'plumbline-serve-whole',
    title: 'plumbline serve, whole answers',
    module: new URL('plumbline-serve-whole.ts', import.meta.url),
    isOurs: true,
  },
];

/** @throws RangeError if there is no peer of this name. */
export function peerEntry(id: string): PeerEntry {
  const entry = PEERS.find((peer) => peer.id === id);
  if (entry) return entry;
  throw new RangeError(`there is no subject "${id}"; there are ${PEERS.map((peer) => peer.id).join(', ')}`);
}

/** @throws whatever its module throws when it is imported. */
export async function importPeer(id: string): Promise<LoadPeer> {
  const { load } = (await import(peerEntry(id).module.href)) as { load: LoadPeer };
  return load;
}
