/**
 * What an UPDATE may do to each RRset: the rights of its key, and who manages the RRset.
 * Implements: RFC 2136 §3.3 (permissions), RFC 3007 §3.1 (policy by key).
 * Not here: the rights (transfer/update-rights.ts), the same for the API (rrset-operations.ts).
 */
import { equalBytes } from '#base/bytes.ts';
import { WHOLE } from '#base/place.ts';
import { type Name, equalNames, formatName } from '#dns/name.ts';
import { canonicalRdata, typeName } from '#dns/registry.ts';
import { RCODE, TYPE } from '#dns/types.ts';
import { type UpdateRights } from '#transfer/update-rights.ts';
import { type UpdateGuard, type UpdateStep } from '#zone/update/apply.ts';
import { rrsetText } from '#zone/update/refusal.ts';
import { type Manager, isSignerType } from '#zone/view.ts';
import { isSpf } from './managed-records.ts';
import { managed } from './rrset-operations.ts';

/** The guard of a zone that is signed here, or is not. */
export function updateGuard(rights: UpdateRights, key: string, apex: Name, isSigned: boolean): UpdateGuard {
  return (step) => {
    const { owner, type, kind, isOfName, before } = step;
    const refuse = (text: string) => ({ rcode: RCODE.REFUSED, text, owner, type });
    const name = formatName(owner);
    if (!rights.mayName(owner)) return refuse(`the key ${key} may not change ${name}`);
    if (kind === 'name') return undefined;
    const isOfSigner = isSignerType(type, isSigned, equalNames(owner, apex)) || before?.manager === 'dnssec';
    // What the signer keeps at a name stays, as SOA and NS of the apex do (RFC 2136 §3.4.2.3).
    if (isOfName && isOfSigner) return 'skip';
    if (!rights.mayType(type)) return refuse(`the key ${key} may not change ${typeName(type)} records`);
    if (kind === 'add' && !rights.mayTtl(step.ttl)) return refuse(`the key ${key} may not set a TTL of ${step.ttl} s`);
    if (type === TYPE.MD || type === TYPE.MF) return refuse(`${typeName(type)} is obsolete (RFC 1035 §3.3.4)`);
    if (type === TYPE.ALIAS) return refuse('ALIAS is no record; set it by the API or the command line');
    const manager = isOfSigner ? 'dnssec' : managerOf(step, apex);
    return manager === undefined ? undefined : refuse(managedText(step, manager));
  };
}

/** The manager that the step would go against; undefined: there is none. */
function managerOf({ kind, owner, type, ttl, rdata, before }: UpdateStep, apex: Name): Manager | undefined {
  // RFC 8976 §3.3: the digest would be of the zone before.
  if (type === TYPE.ZONEMD && kind === 'add' && equalNames(owner, apex)) return 'dnssec';
  if (before === undefined || before.manager === 'manual') return undefined;
  const kept = before.manager === 'mail' && type === TYPE.TXT ? before.rdatas.filter(isSpf) : [];
  if (kept.length === 0 || kind === 'clear') return before.manager;
  // TXT beside SPF is not the policy's.
  const isKept = kept.some((each) => equalBytes(canonicalRdata(type, each), canonicalRdata(type, rdata)));
  if (kind === 'remove') return isKept ? before.manager : undefined;
  return ttl !== before.ttl || (isSpf(rdata) && !isKept) ? before.manager : undefined;
}

function managedText(step: UpdateStep, manager: Manager): string {
  const { message, fix } = managed(rrsetText(step), WHOLE, manager);
  return `${message.split(':')[0]}; ${fix}`;
}
