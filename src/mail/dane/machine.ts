/**
 * The life of a TLSA record as data.
 * Implements: RFC 7671 §8.1 (the next key's record two TTLs before the key, the old one's two TTLs after), §8.4 (a record
 * goes when no host has its key any more).
 */
import { checkedMachine, condition, type Machine, type TimeWait, type Wait } from '#lifecycle/machine.ts';

/** RFC 7671 §8.1: one for caches, and one more for servers that were late. */
export const TWO_TTLS = ['tlsaTtl', 'tlsaTtl'];
/**
 * A TTL of the set, the operator's own measure of how fast things change there, and the policy's signerLag, in which
 * the last machine behind the host's name has the new key. A look meets one of these machines, so it counts after that
 * time; where nothing can be seen, that no host shows the old key is the operator's word alone, and gets that time. A
 * record too many stops no mail; one too few stops all that meets the old key.
 */
const LAST_MACHINE = ['tlsaTtl', 'signerLag'];
const HOST_GONE = condition('host-gone', 'the policy to leave the host out', 'the host loses DANE');
const VISIBLE: Wait = {
  kind: 'gate',
  id: 'visible',
  who: 'every name server to answer with the record',
  why: 'senders that ask a server without it refuse the new key',
  rfc: 'RFC 7671 §8.1',
  observation: 'record',
  places: 'servers',
};
const NOT_SERVED: Wait = {
  kind: 'gate',
  id: 'not-served',
  who: 'the host to be seen without the old key',
  why: 'it still shows a key without a record',
  rfc: 'RFC 7671 §8.4',
  observation: 'not-served',
  places: 'liveChecks',
  least: { terms: LAST_MACHINE, text: 'no place looks at the certificate that the host serves' },
};
const twoTtls = (who: string, why: string): TimeWait => ({
  kind: 'time',
  id: 'two-ttls',
  who,
  why,
  rfc: 'RFC 7671 §8.1',
  terms: TWO_TTLS,
});
const KNOWN = twoTtls('caches that hold the set without the record', 'senders behind them refuse the new key');
const SWITCHED = twoTtls('hosts that have not all switched', 'the old key may still be met');
const USED = condition('activated', 'the host to use the key', 'the record of the key in use is withdrawn', 'RFC 7671 §8.1');

const COMING = ['published', 'visible', 'deployable'];

export const TLSA_MACHINE: Machine = checkedMachine({
  kind: 'tlsa',
  first: 'published',
  last: ['removed'],
  checkEveryMs: 5 * 60_000,
  singular: { stage: 'current', displaced: 'withdrawing' },
  transitions: [
    ...[...COMING, 'current', 'withdrawing'].map((from) => ({ from, to: 'removed', waits: [HOST_GONE], isQuiet: true })),
    { from: 'published', to: 'visible', waits: [VISIBLE] },
    { from: 'visible', to: 'deployable', waits: [KNOWN] },
    { from: 'deployable', to: 'current', waits: [USED] },
    { from: 'withdrawing', to: 'removed', waits: [NOT_SERVED, { ...SWITCHED, since: 'not-served' }] },
    ...COMING.map((from) => ({ from, to: 'removed', waits: [], by: 'order' as const })),
  ],
});
