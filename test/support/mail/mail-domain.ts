/** A small mail domain to step through time by hand in tests. */
import { formatProblem } from '#base/problem.ts';
import { type Name, formatName, nameOf, ownerKey, parseName } from '#dns/name.ts';
import { formatRdata, parseRdataText, typeCode, typeName } from '#dns/registry.ts';
import { sortRdatas } from '#dns/rrset.ts';
import { type MailState, newMailState } from '#mail/state.ts';
import { type MailStep, type MailStepInput, stepMail } from '#mail/step.ts';
import { type MailFacts, mailFacts } from '#mail/facts.ts';
import { type MailContext } from '#mail/lives.ts';
import { type MailPolicy } from '#mail/mail-policy.ts';
import { type BimiUploads } from '#mail/bimi/files.ts';
import { type PolicyHostFacts } from '#mail/hosting/host-life.ts';
import { readPolicy } from '#mail/settle.ts';
import { type RrsetChange } from '#zone/changeset.ts';
import { type Manager, type ZoneView } from '#zone/view.ts';
import { memoryZone, type ZoneRrset, zoneRrsets } from '#zone/zone.ts';

export const APEX = nameOf('example.com');
export const DAY_MS = 86_400_000;
export const HOUR_MS = 3_600_000;
export const START_MS = Date.UTC(2026, 10, 21, 10, 0);

/** `owner TTL TYPE rdata` lines; lines of one owner and type are one RRset. */
export function zoneOf(records: readonly string[], apex: Name = APEX, manager: Manager = 'manual'): ZoneView {
  const rrsets = new Map<string, { owner: Name; type: number; ttl: number; rdatas: Uint8Array[] }>();
  for (const line of records) {
    const [, ownerText, ttl, typeText, rdataText] = /^(\S+) (\d+) (\S+) (.*)$/.exec(line)!;
    const owner = parseName(ownerText!, apex);
    const type = typeCode(typeText!)!;
    const rdata = parseRdataText(type, rdataText!, apex);
    if (!owner.ok || !rdata.ok) throw new Error(line);
    const key = `${ownerKey(owner.value)} ${type}`;
    const rrset = rrsets.get(key) ?? { owner: owner.value, type, ttl: Number(ttl), rdatas: [] };
    rrset.rdatas.push(rdata.value);
    rrsets.set(key, rrset);
  }
  return memoryZone(
    apex,
    [...rrsets.values()].map((each): ZoneRrset => ({ ...each, rdatas: sortRdatas(each.type, each.rdatas), manager })),
  );
}

/** What every mail domain has. */
export const BASE = [
  '@ 3600 SOA ns hostmaster 1 7200 900 1209600 900',
  '@ 3600 NS ns',
  '@ 3600 MX 10 mx1',
  'ns 3600 A 192.0.2.53',
  'mx1 3600 A 192.0.2.25',
];

export function policyOf(document: unknown, domain: Name = APEX): MailPolicy {
  const policy = readPolicy(document, domain);
  if (!policy.ok) throw new Error(policy.problems.map(formatProblem).join('\n'));
  return policy.value;
}

/** `base` as `changes` make it. */
export function applied(base: ZoneView, changes: readonly RrsetChange[], manager?: Manager): ZoneView {
  const keyOf = ({ owner, type }: { readonly owner: Name; readonly type: number }) => `${ownerKey(owner)} ${type}`;
  const changed = new Set(changes.map(keyOf));
  const kept: ZoneRrset[] = [...zoneRrsets(base)].filter((each) => !changed.has(keyOf(each)));
  const added = changes.flatMap(({ owner, type, rrset }): ZoneRrset[] =>
    rrset === null ? [] : [{ owner, type, ...rrset, manager: manager ?? rrset.manager }],
  );
  return memoryZone(base.apex, [...kept, ...added]);
}

/** Changes as `owner TTL TYPE rdata` lines, relative to the zone; `-` for what goes. */
export function lines(changes: readonly RrsetChange[], apex: Name = APEX): string[] {
  const relative = (owner: Name) => formatName(owner).replace(formatName(apex), '').replace(/\.$/, '') || '@';
  return changes
    .flatMap(({ owner, type, rrset }) =>
      rrset === null
        ? [`- ${relative(owner)} ${typeName(type)}`]
        : rrset.rdatas.map((rdata) => `${relative(owner)} ${rrset.ttl} ${typeName(type)} ${formatRdata(type, rdata)}`),
    )
    .toSorted();
}

/** Public keys as in `p=`. */
export const PUBLIC_KEYS = {
  ed25519: 'igwNU6+qcN75RvA0F7aCuIo1Z5n4SbdQ2a4bT4GlXj8=',
  rsa2048:
    'MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAyiUxfvTWc4ZnBELR+pa26qI/Qlic/R+exhWUiXUg3mSsuFAkXM2YkwCA+I0Myeye/V' +
    'Bvs4SSXrv6T+r+NbBjTdoemQNTlNiAWdJrW5SvNjvUmiOamcakt80d3R1DAiqpFZthNlUhk8KyizBIYF6SmZa7pDkR9tLp81BgdG4r9y3UvTDb' +
    '73WJZv/IMmZ44PuHkOvvsVAzKVqDhTAOocxzXQ4RiIMpu1sntbH3LoqZof/XtpBwG8M6QnA1VGMa8jKxth3RgtwOWPJi+iH6ZOKAc6Qjfs6SKd' +
    'zlqum5RU3sT8ci9LLw43cc+DFvCWsHpysuVktPGiQY3Ypyg4ERFLxeFQIDAQAB',
};

/** Steps a domain and keeps what comes out, as the control room will. */
export class MailDomain {
  view: ZoneView;
  policy: MailPolicy;
  state: MailState;
  last: MailStep | undefined;
  nowMs = START_MS;
  /** Who can be asked, beside this server. */
  facts: Partial<MailFacts['places']> = { probes: ['probe'] };
  /** This server's policy host; none unless set. */
  policyHost: PolicyHostFacts | undefined;
  /** Logos that were uploaded. */
  bimiUploads: BimiUploads = {};

  constructor(document: unknown, base: readonly string[] = BASE) {
    this.view = zoneOf(base);
    this.policy = policyOf(document);
    this.state = newMailState(this.view, APEX, this.nowMs);
  }

  /** What its lives are given now. */
  context(): MailContext {
    const host = this.policyHost === undefined ? {} : { policyHost: this.policyHost };
    const facts = { ...mailFacts(this.nowMs, this.facts), ...host, bimiUploads: this.bimiUploads };
    return { domain: APEX, policy: this.policy, view: this.view, facts };
  }

  /** Time goes by, then a step; keys are made as they are wanted. */
  step(afterMs = 0, more: Partial<MailStepInput> = {}): MailStep {
    this.nowMs += afterMs;
    const input = { ...this.context(), isSigned: true, ...more };
    let step = stepMail({ ...input, state: this.state });
    const events = [...step.events];
    for (let round = 0; step.wantedKeys.length > 0 && round < 3; round++) {
      this.state = step.state;
      const newKeys = step.wantedKeys.map((algorithm) => ({
        algorithm,
        publicKey: PUBLIC_KEYS[algorithm],
        secretId: `secret ${algorithm} ${this.nowMs}`,
      }));
      step = stepMail({ ...input, observations: [], state: this.state, newKeys });
      events.push(...step.events);
    }
    this.state = step.state;
    this.view = applied(this.view, step.changes);
    this.last = { ...step, events };
    return this.last;
  }

  /** Everything that somebody should look at is good now. */
  look(afterMs = 0): MailStep {
    // What the last step did is served now, and the next one knows as which serial.
    this.step();
    const checks = this.last?.checks.filter(({ expect }) => expect !== undefined) ?? [];
    const atMs = this.nowMs + afterMs;
    return this.step(afterMs, {
      observations: checks.map(({ object, what, place }) => ({ object, what, place, isGood: true, text: 'there', atMs })),
    });
  }
}
