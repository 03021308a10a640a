/** The servers that judge ours. Not here: starting them (peers.ts). */

export const PEER_KINDS = ['nsd', 'knot', 'bind'] as const;
export type PeerKind = (typeof PEER_KINDS)[number];
