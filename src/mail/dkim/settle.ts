/**
 * The DKIM section of a mail policy: keys made here, and selectors of others.
 * Not here: when keys change (lifecycle.ts).
 */
import { type BodyPlace, below, inBody } from '#base/place.ts';
import { type Problem, placeAt, problem } from '#base/problem.ts';
import { parseDuration } from '#base/units.ts';
import { type Name, parseName, ROOT } from '#dns/name.ts';
import { dkimOwner, parseDkim } from './record.ts';
import { type DurationReader } from '#mail/policy/duration.ts';
import { type DkimAlgorithm, type MailPolicyDocument } from '#mail/policy/schema.ts';

export interface ExternalSelector {
  readonly selector: string;
  /** The record's text, as given. */
  readonly record: string;
  readonly ttlSeconds?: number;
}

export interface DelegatedSelector {
  readonly selector: string;
  readonly target: Name;
  readonly ttlSeconds?: number;
}

export interface DkimPolicy {
  readonly algorithms: readonly DkimAlgorithm[];
  readonly rotationIntervalMs: number;
  readonly queueLifeMs: number;
  readonly signerLagMs: number;
  readonly revokedForMs: number;
  readonly afterRetirement: 'revoke' | 'keep';
  readonly spareKeys: number;
  readonly signers: readonly string[];
  readonly external: readonly ExternalSelector[];
  readonly delegations: readonly DelegatedSelector[];
}

/** RFC 5321 §4.5.4.1: senders give up after 4 to 5 days. */
const DEFAULTS = { rotationInterval: '90d', queueLife: '5d', signerLag: '1h', revokedFor: '30d' } as const;

export function settleDkim(
  settings: MailPolicyDocument,
  domain: Name,
  isLockdown: boolean,
  durations: DurationReader,
  problems: Problem[],
): DkimPolicy {
  const { dkim = {} } = settings;
  const ms = (key: keyof typeof DEFAULTS) => durations.ms(inBody(`/dkim/${key}`), dkim[key] ?? DEFAULTS[key]);
  const ttlOf = (at: BodyPlace, ttl: string | undefined) => (ttl === undefined ? {} : { ttlSeconds: durations.seconds(at, ttl) });
  const selectors = new Set<string>();
  const checkSelector = (selector: string, at: BodyPlace) => {
    const owner = dkimOwner(selector, domain);
    if (!owner.ok) problems.push(...placeAt(owner.problems, at));
    if (selectors.has(selector.toLowerCase())) problems.push(problem('FIELD_VALUE', at, `the selector ${selector} is listed twice`));
    selectors.add(selector.toLowerCase());
  };
  const external = (dkim.external ?? []).map(({ selector, record, ttl }, index): ExternalSelector => {
    const at = below(inBody('/dkim/external'), index);
    checkSelector(selector, below(at, 'selector'));
    const parsed = parseDkim(record);
    problems.push(...placeAt(parsed.ok ? parsed.warnings : parsed.problems, below(at, 'record')));
    return { selector, record, ...ttlOf(below(at, 'ttl'), ttl) };
  });
  const delegations = (dkim.delegations ?? []).flatMap(({ selector, target, ttl }, index): DelegatedSelector[] => {
    const at = below(inBody('/dkim/delegations'), index);
    checkSelector(selector, below(at, 'selector'));
    const name = parseName(target, ROOT);
    if (!name.ok) problems.push(...placeAt(name.problems, below(at, 'target')));
    return name.ok ? [{ selector, target: name.value, ...ttlOf(below(at, 'ttl'), ttl) }] : [];
  });
  const rotationIntervalMs = ms('rotationInterval');
  if (rotationIntervalMs === 0 && parseDuration(dkim.rotationInterval ?? '') === 0)
    problems.push(problem('FIELD_VALUE', inBody('/dkim/rotationInterval'), 'must be longer than nothing'));
  return {
    algorithms: isLockdown ? [] : (dkim.algorithms ?? ['rsa2048', 'ed25519']),
    rotationIntervalMs,
    queueLifeMs: ms('queueLife'),
    signerLagMs: ms('signerLag'),
    revokedForMs: ms('revokedFor'),
    afterRetirement: dkim.afterRetirement ?? 'revoke',
    spareKeys: dkim.spareKeys ?? 0,
    signers: [...new Set(dkim.signers)],
    external: isLockdown ? [] : external,
    delegations: isLockdown ? [] : delegations,
  };
}
