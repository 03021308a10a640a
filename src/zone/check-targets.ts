/**
 * Hosts in the zone that NS, MX and SRV records name: are they there, have they an address, are they aliases?
 * Implements: RFC 2181 §10.3 (no alias), RFC 2782 "Target" (SRV), RFC 9471 §3 (glue), RFC 7505 and RFC 2782 (`.` as "none").
 * Not here: hosts of other zones, which only a resolver could look up.
 */
import { latin1 } from '#base/bytes.ts';
import { type Problem, problem, warning } from '#base/problem.ts';
import { type Name, type OwnerKey, formatName, isAtOrBelow, labelCount, labelOffsets, ownerKey, parentKey } from '#dns/name.ts';
import { typeName } from '#dns/registry.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import { type TargetState, type ZoneCheck } from './check-state.ts';
import { authorityOf } from './cut.ts';
import { type ZoneNode, type ZoneView, rrsetOf } from './view.ts';

/** Types that name a host, and where in their data it begins. */
const TARGET_OFFSET: ReadonlyMap<RrType, number> = new Map([
  [TYPE.NS, 0],
  [TYPE.MX, 2],
  [TYPE.SRV, 6],
]);

/** The state of `key`, a name in the zone. A wildcard gives what it would give the name (RFC 4592 §3.3.1). */
export function targetState(view: ZoneView, key: OwnerKey): TargetState {
  const authority = authorityOf(view, key);
  const node = view.node(key);
  if (authority.kind === 'belowDname') return 'belowDname';
  if (authority.kind !== 'authoritative') return hasAddress(node) ? 'delegatedWithGlue' : 'delegated';
  const answering = answeringNode(view, key);
  if (rrsetOf(answering, TYPE.CNAME) !== undefined) return 'alias';
  return hasAddress(answering) ? 'address' : 'missing';
}

/** The node that answers for an authoritative name: its own, or the wildcard's (RFC 4592 §3.3.1). */
export function answeringNode(view: ZoneView, key: OwnerKey): ZoneNode | undefined {
  const node = view.node(key);
  if (node !== undefined || key === view.apexKey) return node;
  let encloser = key;
  do encloser = parentKey(encloser);
  while (view.node(encloser) === undefined && encloser !== view.apexKey);
  return view.node(`${encloser}*\u0000`);
}

export function hasAddress(node: ZoneNode | undefined): boolean {
  return rrsetOf(node, TYPE.A) !== undefined || rrsetOf(node, TYPE.AAAA) !== undefined;
}

/** Problems with the hosts that `node`, which is authoritative or a delegation point, names. */
export function checkTargets(check: ZoneCheck, node: ZoneNode): Problem[] {
  const { view, targets } = check;
  const problems: Problem[] = [];
  const isCut = node.key !== view.apexKey && rrsetOf(node, TYPE.NS) !== undefined;
  for (const { type, rdatas } of node.rrsets) {
    const offset = TARGET_OFFSET.get(type);
    // At a delegation point only the NS are the zone's own.
    if (offset === undefined || (isCut && type !== TYPE.NS)) continue;
    for (const rdata of rdatas) {
      const target = rdata.subarray(offset);
      // RFC 7505 §3, RFC 2782: `.` says that there is no such service.
      if (target.length === 1) {
        if (type === TYPE.SRV && rdatas.length > 1) problems.push(noneBesideOthers(check, node));
        continue;
      }
      const key = ownerKey(target);
      let found = targets.get(key);
      if (found === undefined)
        targets.set(
          key,
          (found = {
            state: isAtOrBelow(key, view.apexKey) ? targetState(view, key) : 'outside',
            isAddress: looksLikeAddress(target, key, view),
          }),
        );
      if (found.isAddress)
        problems.push(
          warning(
            'TARGET_IS_ADDRESS',
            check.place(node.owner, type),
            `${says(node, type, target)}: that is an address, and a host name belongs here`,
            {
              rfc: 'RFC 1035 §3.3',
              fix: 'give the host a name with an A or AAAA record, and write that name',
            },
          ),
        );
      if (found.state !== 'outside' && found.state !== 'address' && found.state !== 'delegatedWithGlue')
        problems.push(...complain(check, node, type, target, key, found.state));
    }
  }
  return problems;
}

function noneBesideOthers(check: ZoneCheck, node: ZoneNode): Problem {
  const why = `${formatName(node.owner)} SRV has the target "." beside others: it says that there is no such service`;
  const fix = 'keep either the "." or the hosts';
  return warning('SRV_NONE', check.place(node.owner, TYPE.SRV), why, { rfc: 'RFC 2782', fix });
}

function says(node: ZoneNode, type: RrType, target: Name): string {
  return `${formatName(node.owner)} ${typeName(type)} names ${formatName(target)}`;
}

function complain(
  check: ZoneCheck,
  node: ZoneNode,
  type: RrType,
  target: Name,
  key: OwnerKey,
  state: 'alias' | 'belowDname' | 'missing' | 'delegated',
): Problem[] {
  const at = check.place(node.owner, type);
  const what = says(node, type, target);
  const isNs = type === TYPE.NS;
  if (state === 'alias') {
    // named-checkzone rejects the zone when this is an apex NS. Here it is a warning wherever it stands: the zone's
    // data is sound, and it is answered; that one name server is not found harms no client while there are others.
    const rfc = type === TYPE.SRV ? 'RFC 2782' : 'RFC 2181 §10.3';
    return [warning('TARGET_ALIAS', at, `${what}, which is a CNAME: name the host itself`, { rfc })];
  }
  if (state === 'belowDname') {
    // As named-checkzone: fatal for the zone's own name servers, whose addresses below a DNAME can never be served.
    const report = isNs && node.key === check.view.apexKey ? problem : warning;
    return [report('TARGET_ALIAS', at, `${what}, which is below a DNAME`, { rfc: 'RFC 2181 §10.3' })];
  }
  if (!check.complete) return [];
  if (state === 'missing') {
    // As named-checkzone: fatal for the zone's own name servers.
    const report = isNs && node.key === check.view.apexKey ? problem : warning;
    const rfc = isNs ? 'RFC 1912 §2.8' : 'RFC 1912 §2.5';
    return [report('TARGET_NO_ADDRESS', at, `${what}, which is in this zone and has no address (A or AAAA)`, { rfc })];
  }
  if (!isNs) return [];
  const where = isAtOrBelow(key, node.key) ? 'inside this' : 'in another';
  return [
    warning('GLUE_MISSING', at, `${what}, which is ${where} delegation and has no glue (A or AAAA)`, {
      rfc: 'RFC 9471 §3',
      fix: 'add its address records to this zone too',
    }),
  ];
}

/** True when a target is an address written where a name belongs, with or without the last dot that keeps the origin off. */
function looksLikeAddress(target: Name, key: OwnerKey, { apex, apexKey }: ZoneView): boolean {
  const labels = labelOffsets(target).map((at) => latin1(target.subarray(at + 1, at + 1 + target[at]!)));
  const own = isAtOrBelow(key, apexKey) ? labels.slice(0, labels.length - labelCount(apex)) : labels;
  // RFC 5321 §4.1.3: an address literal, which belongs behind an @.
  const written = own
    .join('.')
    .replace(/^\[(?:IPv6:)?(.*)\]$/i, '$1')
    .split('.');
  if (written.length === 4) return written.every((label) => /^[0-9]{1,3}$/.test(label) && Number(label) <= 255);
  return written.length === 1 && /^[0-9a-f]*:[0-9a-f:]*:[0-9a-f]*$/i.test(written[0]!);
}
