/**
 * Endpoints of ExternalDNS: an RRset with its data as texts, names without their last dot. An ALIAS is a CNAME with the
 * property `alias`.
 * Implements: the JSON of ExternalDNS's webhook protocol, version 1 (docs/recipes/externaldns.md).
 * Not here: what becomes of them (changes.ts), requests (routes.ts).
 */
import { EXTERNALDNS_TARGETS_MAX } from '#base/limits/admin.ts';
import { TTL_SECONDS_MAX } from '#base/limits/dns.ts';
import { type Place, below, inBody } from '#base/place.ts';
import { type Problem, type Result, fail, ok, placeAt, problem } from '#base/problem.ts';
import { type Name } from '#dns/name.ts';
import { parseRecordData } from '#dns/record-data.ts';
import { formatRdata, typeCode, typeName } from '#dns/registry.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import type { NodeRrset } from '#zone/view.ts';
import { nameText, parseAbsolute } from '#admin/http/names.ts';
import { fieldsOf } from '#admin/powerdns/fields.ts';
import { ownRdatas } from '#admin/powerdns/forms.ts';

/** What ExternalDNS knows; ALIAS goes as a CNAME. */
const TYPES: readonly RrType[] = [
  ...[TYPE.A, TYPE.AAAA, TYPE.CNAME, TYPE.TXT, TYPE.SRV, TYPE.NS, TYPE.PTR, TYPE.MX, TYPE.NAPTR],
  TYPE.ALIAS,
];
/** ExternalDNS writes the names in these with their last dot. */
const DOTTED: readonly RrType[] = [TYPE.SRV, TYPE.NAPTR];
const ALIAS_PROPERTY = { name: 'alias', value: 'true' };

/** As it is sent. */
export interface EndpointForm {
  readonly dnsName: string;
  readonly targets: readonly string[];
  readonly recordType: string;
  readonly recordTTL: number;
  readonly providerSpecific?: readonly { readonly name: string; readonly value: string }[];
}

/** As it came. */
export interface Endpoint {
  readonly name: Name;
  readonly type: RrType;
  readonly rdatas: readonly Uint8Array[];
  /** Undefined: ExternalDNS does not mind. */
  readonly ttl: number | undefined;
}

/** The RRset as an endpoint; undefined where it is none of ExternalDNS's, or is managed by others. */
export function endpointForm(owner: Name, rrset: NodeRrset): EndpointForm | undefined {
  const { type, ttl } = rrset;
  const rdatas = TYPES.includes(type) ? ownRdatas(rrset) : [];
  if (rdatas.length === 0) return undefined;
  return {
    dnsName: withoutDot(nameText(owner)),
    targets: rdatas.map((rdata) => targetText(type, rdata)),
    recordTTL: ttl,
    ...(type === TYPE.ALIAS
      ? { recordType: 'CNAME', providerSpecific: [ALIAS_PROPERTY] }
      : { recordType: typeName(type) }),
  };
}

/** Whether RRsets of the type may be endpoints. */
export function isEndpointType(type: RrType): boolean {
  return TYPES.includes(type);
}

/** Everything that is wrong with it, or the endpoint. */
export function readEndpoint(value: unknown, at: Place): Result<Endpoint> {
  const { dnsName, recordType, targets, recordTTL = 0, setIdentifier } = fieldsOf(value);
  const bad = (why: string, fix?: string) => fail(problem('FIELD_VALUE', at, why, fix === undefined ? {} : { fix }));
  if (typeof dnsName !== 'string') return bad('an endpoint has no dnsName');
  const name = parseAbsolute(dnsName);
  if (!name.ok) return fail(...placeAt(name.problems, at));
  const what = `${nameText(name.value)} ${String(recordType)}`;
  const code = typeof recordType === 'string' ? typeCode(recordType) : undefined;
  if (code === undefined || !TYPES.includes(code)) return bad(`${what}: ExternalDNS's types are ${typesText()}`);
  if (setIdentifier !== undefined && setIdentifier !== '')
    return bad(`${what}: an RRset has one set of records here`, 'leave out the annotation set-identifier');
  if (typeof recordTTL !== 'number' || !Number.isInteger(recordTTL) || recordTTL < 0 || recordTTL > TTL_SECONDS_MAX)
    return bad(`${what}: recordTTL is a number of seconds from 0 to ${TTL_SECONDS_MAX}`);
  if (!Array.isArray(targets) || targets.length === 0 || targets.length > EXTERNALDNS_TARGETS_MAX)
    return bad(`${what}: an endpoint has 1 to ${EXTERNALDNS_TARGETS_MAX} targets`);
  const type = code === TYPE.CNAME && isAlias(value) ? TYPE.ALIAS : code;
  const problems: Problem[] = [];
  const rdatas = targets.flatMap((target: unknown) => {
    const parsed = readTarget(type, target, name.value, at);
    if (!parsed.ok) problems.push(...parsed.problems.map((each) => ({ ...each, message: `${what}: ${each.message}` })));
    return parsed.ok ? [parsed.value] : [];
  });
  return problems.length > 0
    ? fail(...problems)
    : ok({ name: name.value, type, rdatas, ttl: recordTTL === 0 ? undefined : recordTTL });
}

/**
 * The endpoint as it will be read back once it is there, so that ExternalDNS finds no difference where there is none.
 * `isApex`: a CNAME cannot stand at such a name, and becomes an ALIAS. What cannot be read stays as it came: it is
 * rejected, with the reason, when it is applied.
 */
export function adjusted(value: unknown, isApex: (name: Name) => boolean): unknown {
  const fields = fieldsOf(value);
  const name = typeof fields['dnsName'] === 'string' ? parseAbsolute(fields['dnsName']) : undefined;
  const isAtApex = fields['recordType'] === 'CNAME' && name?.ok === true && isApex(name.value);
  const isSame = isAlias(value) || isAtApex;
  const { providerSpecific: _properties, ...rest } = fields;
  const made = { ...rest, ...(isSame ? { providerSpecific: [ALIAS_PROPERTY] } : {}) };
  const read = readEndpoint(made, inBody(''));
  if (!read.ok) return made;
  const { type, rdatas } = read.value;
  return { ...made, targets: rdatas.map((rdata) => targetText(type, rdata)) };
}

function isAlias(value: unknown): boolean {
  const { providerSpecific } = fieldsOf(value);
  if (!Array.isArray(providerSpecific)) return false;
  return providerSpecific.map(fieldsOf).some(({ name, value: text }) => name === 'alias' && text === 'true');
}

function readTarget(type: RrType, target: unknown, owner: Name, at: Place): Result<Uint8Array> {
  if (typeof target !== 'string') return fail(problem('FIELD_VALUE', at, 'a target is a text'));
  const parsed = parseRecordData(type, target, owner, parseAbsolute);
  return parsed.ok ? parsed : fail(...placeAt(parsed.problems, at));
}

/** The data as ExternalDNS has it. */
function targetText(type: RrType, rdata: Uint8Array): string {
  const text = formatRdata(type, rdata);
  return type === TYPE.TXT || DOTTED.includes(type) ? text : withoutDot(text);
}

function withoutDot(text: string): string {
  return text.replace(/(?<=[^\\])\.$/, '');
}

function typesText(): string {
  return TYPES.filter((type) => type !== TYPE.ALIAS)
    .map(typeName)
    .join(', ');
}

/** The place of an endpoint in the lists of a request. */
export function placeOfEndpoint(list: string, index: number): Place {
  return below(inBody(''), list, String(index));
}
