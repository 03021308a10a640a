/** Every server under test, in the order of tables and pictures. */
import { BIND } from './bind.ts';
import { ECHO } from './echo.ts';
import { KNOT, KNOT_ONLINE } from './knot.ts';
import { NSD } from './nsd.ts';
import { type Peer } from './peer.ts';
import { POWERDNS } from './powerdns.ts';
import { WAXSEAL_COUNTING, waxsealPeer } from './waxseal.ts';

/** The one that ratios are of. */
export const OURS = 'waxseal-mmsg';

export const PEERS: readonly Peer[] = [
  waxsealPeer('mmsg'),
  WAXSEAL_COUNTING,
  waxsealPeer('dgram'),
  NSD,
  KNOT,
  BIND,
  POWERDNS,
  KNOT_ONLINE,
  ECHO,
];
