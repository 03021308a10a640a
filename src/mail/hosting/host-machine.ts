/**
 * The life of a host that this server serves by HTTPS for a domain, as data: record, caches, certificate, use, and the
 * way back. What is served there differs; the life does not.
 * Implements: RFC 2308 §5 (caches that know the host does not exist).
 * Not here: what the conditions say (host-life.ts), what is served there (mail/mta-sts/policy-host.ts, mail/bimi/host.ts).
 */
import { LIFECYCLE_FIRST_CHECKS_MS } from '#base/limits/lifecycle.ts';
import { checkedMachine, condition, type Machine, type Transition } from '#lifecycle/machine.ts';

/** What the waits say of one kind of host. Those named `why…` say what goes wrong without the wait. */
export interface HostWords {
  readonly kind: string;
  /** The host, as in `the host mta-sts of the domain`. */
  readonly label: string;
  readonly whyLeadsHere: string;
  readonly whyElsewhere: string;
  /** Who is asked for it as long as caches name it. */
  readonly whoUnneeded: string;
  readonly whyUnneeded: string;
  readonly whoLeaving: string;
  readonly whoBack: string;
  readonly whyCertificate: string;
  readonly whyVisible: string;
  readonly whyNegative: string;
  readonly rfc: { readonly host: string; readonly removal?: string };
}

export function hostMachine(words: HostWords): Machine {
  const { kind, label, rfc } = words;
  const leadsHere = condition(
    'leads-here',
    `the host ${label} of the domain to lead to this server`,
    words.whyLeadsHere,
    rfc.host,
  );
  const elsewhere = condition('elsewhere', 'the host to lead elsewhere', words.whyElsewhere);
  const unneeded = condition('unneeded', words.whoUnneeded, words.whyUnneeded, rfc.removal);
  const leaving = condition('leaving', words.whoLeaving, words.whyUnneeded);
  const back = condition('back', words.whoBack, 'the host goes though it is needed');
  const certificate = condition('certificate', 'a certificate of the host', words.whyCertificate, rfc.host);
  /** Ways out of `from` that are normally not taken. */
  const asides = (from: string): readonly Transition[] => [
    { from, to: 'elsewhere', waits: [elsewhere], isQuiet: true },
    { from, to: 'gone', waits: [unneeded], isQuiet: true },
  ];
  return checkedMachine({
    kind,
    first: 'wanted',
    last: ['gone'],
    checkEveryMs: 5 * 60_000,
    transitions: [
      { from: 'wanted', to: 'published', waits: [leadsHere] },
      ...asides('wanted'),
      {
        from: 'published',
        to: 'visible',
        waits: [
          {
            kind: 'gate',
            id: 'visible',
            who: 'every name server to show the host',
            why: words.whyVisible,
            rfc: rfc.host,
            observation: 'host',
            places: 'servers',
            firstChecksMs: LIFECYCLE_FIRST_CHECKS_MS,
          },
          {
            kind: 'time',
            id: 'negative-ttl',
            who: 'caches that know that the host does not exist',
            why: words.whyNegative,
            rfc: 'RFC 2308 §5',
            since: 'visible',
            terms: ['negativeTtl'],
          },
        ],
      },
      ...asides('published'),
      { from: 'visible', to: 'ready', waits: [certificate] },
      ...asides('visible'),
      { from: 'ready', to: 'withdrawing', waits: [leaving], isQuiet: true },
      { from: 'ready', to: 'elsewhere', waits: [elsewhere], isQuiet: true },
      { from: 'withdrawing', to: 'ready', waits: [back], isQuiet: true },
      { from: 'withdrawing', to: 'gone', waits: [unneeded] },
      { from: 'elsewhere', to: 'published', waits: [leadsHere] },
      { from: 'elsewhere', to: 'gone', waits: [unneeded], isQuiet: true },
    ],
  });
}
