/**
 * Challenges in the zone: TXT records of the manager `acme`, those that orders need now and no others. What the
 * operator put at such a
 * name is respected.
 * Implements: RFC 8555 §8.4 (several values may stand at one name).
 * Not here: what they say (challenge.ts), when they are there (lives.ts).
 */
import { CHALLENGE_TTL_SECONDS } from '#base/limits/acme.ts';
import { fromLatin1 } from '#base/bytes.ts';
import { atObject, atRrset } from '#base/place.ts';
import { type Problem, problem } from '#base/problem.ts';
import { type Name, formatName, isAtOrBelow, nameOf, ownerKey } from '#dns/name.ts';
import { textRdata } from '#dns/rdata/txt.ts';
import { formatRdata } from '#dns/registry.ts';
import { sortRdatas } from '#dns/rrset.ts';
import { TYPE } from '#dns/types.ts';
import { type RrsetChange } from '#zone/changeset.ts';
import { authorityOf } from '#zone/cut.ts';
import { type ZoneView, rrsetOf } from '#zone/view.ts';
import { dns01Owner } from './challenge.ts';
import { type CertificatesState } from './state.ts';

export interface ChallengeRecords {
  readonly changes: readonly RrsetChange[];
  /** Owners that have a challenge afterwards, absolute. */
  readonly published: readonly string[];
}

/** The challenges that stand in the zone, and what changes so that they do. */
export function challengeRecords(state: CertificatesState, view: ZoneView): ChallengeRecords {
  const wanted = Map.groupBy(challengesOf(state, view), ({ owner }) => formatName(owner));
  const changes: RrsetChange[] = [];
  for (const [text, values] of wanted) {
    const rdatas = [...new Set(values.map(({ value }) => value))].map((value) => textRdata([fromLatin1(value)]));
    const rrset = { ttl: CHALLENGE_TTL_SECONDS, rdatas: sortRdatas(TYPE.TXT, rdatas), manager: 'acme' as const };
    changes.push({ owner: nameOf(text), type: TYPE.TXT, rrset });
  }
  for (const text of state.published.filter((each) => !wanted.has(each))) {
    const owner = nameOf(text);
    const now = rrsetOf(view.node(ownerKey(owner)), TYPE.TXT);
    if (now?.manager === 'acme') changes.push({ owner, type: TYPE.TXT, rrset: null });
  }
  return { changes, published: [...wanted.keys()].toSorted() };
}

interface Challenge {
  readonly owner: Name;
  readonly value: string;
}

function challengesOf({ lifecycle }: CertificatesState, view: ZoneView): Challenge[] {
  return lifecycle.objects.flatMap(({ stage, data: { host, order } }) => {
    const value = order?.challenge?.value;
    const isNeeded = (stage === 'ordered' || stage === 'visible') && value !== undefined;
    const owner = isNeeded ? dns01Owner(host) : undefined;
    if (owner === undefined || !owner.ok || challengeObstacle(view, host) !== undefined) return [];
    return [{ owner: owner.value, value: value! }];
  });
}

/** What stands in the zone against a challenge of the host; undefined: nothing does. */
export function challengeObstacle(view: ZoneView, host: string): Problem | undefined {
  const found = dns01Owner(host);
  if (!found.ok) return problem('CERTIFICATE_HOST', atObject(host), `${host} leaves no place for a challenge below it`);
  const owner = found.value;
  const [key, name] = [ownerKey(owner), formatName(owner)];
  const zone = formatName(view.apex).replace(/(?<=.)\.$/, '');
  if (!isAtOrBelow(key, view.apexKey))
    return problem('CERTIFICATE_HOST', atObject(host), `${host} is not a name in ${formatName(view.apex)}`);
  const authority = authorityOf(view, key);
  if (authority.kind !== 'authoritative')
    return problem('CERTIFICATE_HOST', atObject(host), `${host} stands below a delegation or DNAME`, {
      fix: 'order its certificate where it is served',
    });
  const node = view.node(key);
  const alias = rrsetOf(node, TYPE.CNAME);
  if (alias !== undefined)
    return problem(
      'ACME_CHALLENGE_NAME',
      atRrset(name, 'CNAME'),
      `by hand the name leads to ${formatRdata(TYPE.CNAME, alias.rdatas[0]!)}: challenges stand there, and not here`,
      { fix: `to let this server show them: waxseal rrset delete ${zone} ${name} CNAME`, rfc: 'RFC 8555 §8.4' },
    );
  const texts = rrsetOf(node, TYPE.TXT);
  if (texts === undefined || texts.manager === 'acme') return undefined;
  return problem('ACME_CHALLENGE_NAME', atRrset(name, 'TXT'), 'another client has put a challenge here by hand', {
    fix: `if it is not used any more: waxseal rrset delete ${zone} ${name} TXT`,
  });
}
