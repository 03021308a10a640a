/**
 * The life of a TLSA record as data.
 * Implements: RFC 7671 §8.1 (the next key's record two TTLs before the key, the old one's two TTLs after).
 */
import { checkedMachine, type Machine, type Wait } from '#lifecycle/machine.ts';

/** The set without a record may be given out until the record is everywhere, and cached from then: RFC 7671 §8.1 asks for two. */
export const TWO_TTLS = ['tlsaTtl', 'tlsaTtl'];
const HOST_GONE: Wait = { kind: 'condition', id: 'host-gone', who: 'the policy to leave the host out', why: 'the host loses DANE' };

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
          observation: 'not-served',
          places: 'liveChecks',
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
