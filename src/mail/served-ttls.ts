/**
 * The TTLs with which a domain's mail records are given out: those of the policy, and those of records that were there
 * before the policy had them. Who takes over a TLSA RRset with a TTL of a day has senders that know it for a day.
 * Implements: RFC 2181 §8 (TTL), RFC 2308 §5 (negative answers last min(SOA TTL, MINIMUM)), RFC 7671 §8.1.
 * Not here: how long caches hold them (lifecycle/ttl-memory.ts).
 */
import { SECONDARY_LAG_MS_MAX } from '#base/limits/lifecycle.ts';
import { type Name, isAtOrBelow, ownerKey, parseName } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { type TtlMemory, rememberTtl } from '#lifecycle/ttl-memory.ts';
import { stsRecordOwner } from '#mail/mta-sts/record.ts';
import { type RrsetChange, soaMinimum } from '#zone/changeset.ts';
import { type ZoneView, rrsetOf } from '#zone/view.ts';
import { type MailFacts } from './facts.ts';
import { type MailPolicy } from './mail-policy.ts';

interface Ground {
  readonly domain: Name;
  readonly policy: MailPolicy;
  readonly view: ZoneView;
  readonly facts: MailFacts;
}

/** Notes what caches may receive of the domain now. */
export function noteTtls(before: TtlMemory, { policy, view, facts }: Ground): TtlMemory {
  const apex = view.node(view.apexKey);
  const soa = rrsetOf(apex, TYPE.SOA);
  const negative = soa === undefined ? 0 : Math.min(soa.ttl, soaMinimum(soa.rdatas[0]!));
  const { dkim, mtaSts, tlsa, spf } = policy.ttlSeconds;
  const hosted = policy.bimi?.isHosted === true || before['bimi'] !== undefined ? { bimi: policy.ttlSeconds.bimi } : {};
  const now = { negative, dkim, mtaSts, tlsa, spf, ...hosted, mx: rrsetOf(apex, TYPE.MX)?.ttl ?? negative };
  return Object.entries(now).reduce((memory, [kind, seconds]) => noteOne(memory, kind, seconds, facts), before);
}

/** Notes the TTLs of RRsets that `changes` replace, where they are longer than those of the policy. */
export function noteReplaced(before: TtlMemory, changes: readonly RrsetChange[], ground: Ground): TtlMemory {
  const { domain, view, facts } = ground;
  return changes.reduce((memory, { owner, type }) => {
    const kind = kindOf(owner, type, domain);
    const current = kind === undefined ? undefined : memory[kind]?.[0]?.seconds;
    const replaced = rrsetOf(view.node(ownerKey(owner)), type)?.ttl;
    if (kind === undefined || current === undefined || replaced === undefined || replaced <= current) return memory;
    return noteOne(noteOne(memory, kind, replaced, facts), kind, current, facts);
  }, before);
}

function noteOne(memory: TtlMemory, kind: string, seconds: number, { nowMs, places }: MailFacts): TtlMemory {
  // A secondary that is late gives out the old TTLs after they were changed here.
  const lagMs = places.servers.length > 1 ? SECONDARY_LAG_MS_MAX : 0;
  return rememberTtl(memory, kind, seconds, nowMs, lagMs);
}

/** Which waits an RRset is in; undefined: none that a TTL counts in. */
function kindOf(owner: Name, type: number, domain: Name): string | undefined {
  if (type === TYPE.TLSA) return 'tlsa';
  const key = ownerKey(owner);
  if (key === ownerKey(domain)) return type === TYPE.TXT ? 'spf' : undefined;
  const [sts, selectors] = [stsRecordOwner(domain), parseName('_domainkey', domain)];
  if (sts.ok && key === ownerKey(sts.value)) return 'mtaSts';
  return selectors.ok && isAtOrBelow(key, ownerKey(selectors.value)) ? 'dkim' : undefined;
}
