import type { LoadPeer } from './peer.ts';
import { loadClients } from './plumbline-serve.ts';

/** `plumbline serve`, whose clients take their answers whole. */
export const load: LoadPeer = async (settings) => await loadClients(settings, { stream: false });
