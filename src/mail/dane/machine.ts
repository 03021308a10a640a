/**
 * The life of a TLSA record as data.
 * Implements: RFC 7671 §8.1 (the next key's record two TTLs before the key, the old one's two TTLs after), §8.4 (a record
 * goes when no host has its key any more).
 */
import { checkedMachine, type Machine, type Wait } from '#lifecycle/machine.ts';

/** RFC 7671 §8.1: one for caches, and one more for servers that were late. */
export const TWO_TTLS = ['tlsaTtl', 'tlsaTtl'];
/**
 * Without a place that looks, that no host shows the old key is the operator's word alone. It gets a TTL of the set, the
 * operator's own measure of how fast things change there, and the policy's signerLag, in which the last machine behind the
 * host's name has the new key. A record too many stops no mail; one too few stops all that meets the old key.
 */
const UNSEEN = ['tlsaTtl', 'signerLag'];
const HOST_GONE: Wait = {
  kind: 'condition',
  id: 'host-gone',
  who: 'the policy to leave the host out',
  why: 'the host loses DANE',
};

export const TLSA_MACHINE: Machine = checkedMachine({
  kind: 'tlsa',
  first: 'published',
  last: ['removed'],
  checkEveryMs: 5 * 60_000,
  singular: { stage: 'current', displaced: 'withdrawing' },
  transitions: [
    ...['published', 'visible', 'deployable', 'current', 'withdrawing'].map((from) => ({
      from,
      to: 'removed',
      waits: [HOST_GONE],
      isQuiet: true,
    })),
    {
      from: 'published',
      to: 'visible',
      waits: [
        {
          kind: 'gate',
          id: 'visible',
          who: 'every name server to answer with the record',
          why: 'senders that ask a server without it refuse the new key',
          rfc: 'RFC 7671 §8.1',
          observation: 'record',
          places: 'servers',
        },
      ],
    },
    {
      from: 'visible',
      to: 'deployable',
      waits: [
        {
          kind: 'time',
          id: 'two-ttls',
          who: 'caches that hold the set without the record',
          why: 'senders behind them refuse the new key',
          rfc: 'RFC 7671 §8.1',
          terms: TWO_TTLS,
        },
      ],
    },
    {
      from: 'deployable',
      to: 'current',
      waits: [
        {
          kind: 'condition',
          id: 'activated',
          who: 'the host to use the key',
          why: 'the record of the key in use is withdrawn',
          rfc: 'RFC 7671 §8.1',
        },
      ],
    },
    {
      from: 'withdrawing',
      to: 'removed',
      waits: [
        {
          kind: 'gate',
          id: 'not-served',
          who: 'the host to be seen without the old key',
          why: 'it still shows a key without a record',
          rfc: 'RFC 7671 §8.4',
          observation: 'not-served',
          places: 'liveChecks',
          unwatched: { terms: UNSEEN, text: 'no place looks at the certificate that the host serves' },
        },
        {
          kind: 'time',
          id: 'two-ttls',
          who: 'hosts that have not all switched',
          why: 'the old key may still be met',
          rfc: 'RFC 7671 §8.1',
          since: 'not-served',
          terms: TWO_TTLS,
        },
      ],
    },
    ...['published', 'visible', 'deployable'].map((from) => ({ from, to: 'removed', waits: [], by: 'order' as const })),
  ],
});
