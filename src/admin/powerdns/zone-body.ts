/**
 * Zones in requests: what a new zone is made of, and the labels of a zone.
 * Not here: its RRsets (rrset-body.ts).
 */
import { POWERDNS_LABEL_CHARACTERS_MAX, POWERDNS_TTL_SECONDS } from '#base/limits/admin.ts';
import { type Problem, type Result, fail, ok } from '#base/problem.ts';
import { type Name, equalNames, formatName, nameOf } from '#dns/name.ts';
import { endsInDot } from '#dns/request-name.ts';
import type { RrsetOperation } from '#control/api/control.ts';
import type { ZoneLabels } from '#store/powerdns/labels.ts';
import { parseAbsolute } from '#admin/http/names.ts';
import { type Fields, listField, optionalText, rejected, textField } from './fields.ts';
import { readRrsets } from './rrset-body.ts';

/** How clients write them → how the answer spells them, which go-powerdns compares. */
const KINDS: Readonly<Record<string, string>> = { NATIVE: 'Native', MASTER: 'Master', PRIMARY: 'Master' };

/** A zone that is to be made. */
export interface NewZone {
  readonly apex: Name;
  /** SOA and NS among them. */
  readonly operations: readonly RrsetOperation[];
  readonly labels: ZoneLabels;
}

/** The zone that a POST wants. */
export function readNewZone(fields: Fields): Result<NewZone> {
  const name = textField(fields, 'name');
  if (!name.ok) return name;
  const apex = parseAbsolute(name.value);
  if (!apex.ok) return fail(rejected(`DNS Name '${name.value}' is not valid`));
  if (!endsInDot(name.value)) {
    const fix = 'end it with a dot, as in example.com.';
    return fail(rejected(`DNS Name '${name.value}' is not canonical`, fix));
  }
  const labels = readLabels(fields);
  if (!labels.ok) return labels;
  if (typeof fields['zone'] === 'string' && fields['zone'] !== '')
    return fail(rejected('zone: a zone file is not taken here', 'send rrsets, or PUT it to /v1/zones/{zone}/zonefile'));
  const rrsets = readRrsets(fields['rrsets'] ?? [], { apex: apex.value, serial: undefined, changetype: 'REPLACE' });
  if (!rrsets.ok) return rrsets;
  const servers = readServers(fields);
  if (!servers.ok) return servers;
  const operations = withApex(apex.value, servers.value, rrsets.value.operations);
  return operations.ok ? ok({ apex: apex.value, operations: operations.value, labels: labels.value }) : operations;
}

/** `nameservers`, each absolute. */
function readServers(fields: Fields): Result<readonly string[]> {
  const list = listField(fields, 'nameservers');
  if (!list.ok) return list;
  const problems: Problem[] = [];
  const servers = list.value.flatMap((each) => {
    const name = typeof each === 'string' ? parseAbsolute(each) : undefined;
    if (name?.ok === true && endsInDot(String(each))) return [formatName(name.value)];
    problems.push(rejected(`Nameserver is not canonical: '${typeof each === 'string' ? each : ''}'`));
    return [];
  });
  return problems.length > 0 ? fail(...problems) : ok(servers);
}

type Operations = readonly RrsetOperation[];

/** What was given, with NS of the list of name servers, and a SOA unless one was given. */
function withApex(apex: Name, servers: readonly string[], operations: Operations): Result<Operations> {
  const zone = formatName(apex);
  const ofApex = (type: string) => operations.find((each) => each.type === type && equalNames(nameOf(each.name), apex));
  const given = ofApex('NS')?.records ?? [];
  if (given.length > 0 && servers.length > 0)
    return fail(rejected('Nameservers list MUST NOT be mixed with zone-level NS in rrsets', 'leave out one of them'));
  const [first] = [...servers, ...given];
  const fix = 'give nameservers, or its NS RRset in rrsets';
  if (first === undefined) return fail(rejected(`the zone ${zone} has no name server`, fix));
  const mailbox = zone === '.' ? 'hostmaster.' : `hostmaster.${zone}`;
  const set = { op: 'set', name: zone, ttl: POWERDNS_TTL_SECONDS } as const;
  const soa = { ...set, type: 'SOA', records: [`${first} ${mailbox} 1 10800 3600 604800 3600`] };
  const ns = { ...set, type: 'NS', records: servers };
  return ok([
    ...(ofApex('SOA') === undefined ? [soa] : []),
    ...(servers.length > 0 ? [ns] : []),
    ...operations.filter(({ op }) => op !== 'delete'),
  ]);
}

/** The labels that a POST or PUT gives; a zone that this server does not make itself is rejected. */
export function readLabels(fields: Fields): Result<ZoneLabels> {
  const [kind, account, soaEditApi] = ['kind', 'account', 'soa_edit_api'].map((name) => optionalText(fields, name));
  for (const each of [kind, account, soaEditApi]) {
    if (each?.ok === false) return each;
    if (each?.ok === true && (each.value ?? '').length > POWERDNS_LABEL_CHARACTERS_MAX)
      return fail(rejected(`kind, account and soa_edit_api have at most ${POWERDNS_LABEL_CHARACTERS_MAX} characters`));
  }
  const masters = listField(fields, 'masters');
  if (!masters.ok) return masters;
  if (masters.value.length > 0) return fail(rejected('masters: by this API no zone comes from other servers'));
  const text = (of: Result<string | undefined> | undefined) => (of?.ok === true ? of.value : undefined);
  const spelled = text(kind) === undefined || text(kind) === '' ? undefined : KINDS[text(kind)!.toUpperCase()];
  if (spelled === undefined && (text(kind) ?? '') !== '')
    return fail(rejected(`kind '${text(kind)}' is not possible here`, 'Native or Master'));
  return ok({
    ...(spelled === undefined ? {} : { kind: spelled }),
    ...(text(account) === undefined ? {} : { account: text(account)! }),
    ...(text(soaEditApi) === undefined ? {} : { soaEditApi: text(soaEditApi)!.toUpperCase() }),
  });
}
