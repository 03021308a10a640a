/**
 * Zones and RRsets in the JSON of PowerDNS. The order of keys is PowerDNS's: acme.sh reads an RRset with a regular
 * expression, from its name to the first bracket, and overwrites what it does not find.
 * Not here: reading requests (rrset-body.ts, zone-body.ts).
 */
import { type Name, nameOf } from '#dns/name.ts';
import { formatRdata, typeName } from '#dns/registry.ts';
import { isSpfText } from '#mail/spf/spf.ts';
import { txtText } from '#mail/text/txt.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import type { ControlApi } from '#control/api/control.ts';
import type { ZoneRecord } from '#store/schema.ts';
import type { NodeRrset } from '#zone/view.ts';
import { nameText } from '#admin/http/names.ts';
import { zoneId } from './zone-id.ts';

export const ZONES_URL = '/api/v1/servers/localhost/zones';

/** A zone in a list. */
export function zoneForm(control: ControlApi, record: ZoneRecord) {
  const { name, serial, dnssec } = record;
  const { account = '', kind = defaultKind(control, record) } = control.zones.labels(record);
  return {
    account,
    catalog: '',
    dnssec: dnssec === 'on',
    edited_serial: serial,
    id: zoneId(name),
    kind,
    last_check: 0,
    masters: [],
    name,
    notified_serial: serial,
    serial,
    url: `${ZONES_URL}/${zoneId(name)}`,
  };
}

/** Clients send NOTIFY by hand to a `Master`. */
function defaultKind(control: ControlApi, record: ZoneRecord): string {
  return control.transfer.secondaries(record).length > 0 ? 'Master' : 'Native';
}

/**
 * A zone by itself as text, in parts: all its RRsets may be a hundred million octets. Without `rrsets` the answer has
 * none.
 */
export function* zoneText(control: ControlApi, record: ZoneRecord, rrsets?: Iterable<string>): Generator<string> {
  const form = zoneForm(control, record);
  const { account, catalog, dnssec, edited_serial, id, kind, last_check } = form;
  const { masters, name, notified_serial, serial, url } = form;
  const soaEditApi = control.zones.labels(record).soaEditApi ?? 'DEFAULT';
  const before = { account, api_rectify: false, catalog, dnssec, edited_serial, id, kind, last_check };
  const keys = { master_tsig_key_ids: [], masters, name, notified_serial, nsec3narrow: false };
  const after = { serial, slave_tsig_key_ids: [], soa_edit: '', soa_edit_api: soaEditApi, url };
  const nsec3param = record.denial === 'nsec3' && dnssec ? '1 0 0 -' : '';
  yield JSON.stringify({ ...before, ...keys, nsec3param }).slice(0, -1);
  if (rrsets !== undefined) {
    yield ',"rrsets":[';
    let isFirst = true;
    for (const each of rrsets) {
      yield isFirst ? each : `,${each}`;
      isFirst = false;
    }
    yield ']';
  }
  yield `,${JSON.stringify(after).slice(1)}`;
}

/** An RRset as JSON; undefined when it is managed, and none of these clients may see or change it. */
export function rrsetText(owner: Name, rrset: NodeRrset): string | undefined {
  const { type, ttl } = rrset;
  const rdatas = ownRdatas(rrset);
  if (rdatas.length === 0) return undefined;
  const records = rdatas.map((rdata) => ({ content: formatRdata(type, rdata), disabled: false }));
  return JSON.stringify({ comments: [], name: nameText(owner), records, ttl, type: typeName(type) });
}

/** Records that are put by hand; TXT beside the SPF record of a mail policy is. */
export function ownRdatas({ type, rdatas, manager }: NodeRrset): readonly Uint8Array[] {
  if (manager === 'manual') return rdatas;
  if (manager !== 'mail' || type !== TYPE.TXT) return [];
  const others = rdatas.filter((rdata) => !isSpfText(txtText(rdata)));
  return others.length === rdatas.length ? [] : others;
}

/** A line of an export, in the form of PowerDNS. */
export function exportLines(owner: Name, rrset: NodeRrset): string {
  const head = `${nameText(owner)}\t${rrset.ttl}\tIN\t${typeName(rrset.type)}`;
  return ownRdatas(rrset)
    .map((rdata) => `${head}\t${formatRdata(rrset.type, rdata)}\n`)
    .join('');
}

/** What stands at the beginning of an error about an RRset. */
export function rrsetTitle(name: string, type: RrType | string): string {
  return `RRset ${name} IN ${typeof type === 'string' ? type : typeName(type)}`;
}

/** The apex of a zone that is served. */
export function apexOf({ name }: ZoneRecord): Name {
  return nameOf(name);
}
