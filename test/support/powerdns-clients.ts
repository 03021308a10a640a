/**
 * What clients of PowerDNS's API send and how they read the answers, from their sources: for those that are no Debian package. Each returns what it
 * would have failed with, or undefined.
 */

export interface Target {
  /** Without a path. */
  readonly url: string;
  readonly token: string;
  /** With its last dot. */
  readonly zone: string;
}

interface Zone {
  readonly id: string;
  readonly url: string;
  readonly kind: string;
  readonly rrsets: readonly {
    readonly name: string;
    readonly type: string;
    readonly ttl: number;
    readonly records: readonly { readonly content: string; readonly disabled: boolean }[];
  }[];
}

type Json = Readonly<Record<string, unknown>>;

async function send(
  { url, token }: Target,
  method: string,
  path: string,
  body?: unknown,
  type = 'application/json',
): Promise<{ readonly status: number; readonly phrase: string; readonly type: string | null; readonly text: string }> {
  const answer = await fetch(url + path, {
    method,
    headers: { 'x-api-key': token, ...(type === '' ? {} : { 'content-type': type }) },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return { status: answer.status, phrase: answer.statusText, type: answer.headers.get('content-type'), text: await answer.text() };
}

async function need(target: Target, status: number, method: string, path: string, body?: unknown, type?: string): Promise<string> {
  const answer = await send(target, method, path, body, type);
  if (answer.status !== status) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
  return answer.text;
}

const ZONES = '/api/v1/servers/localhost/zones';
const read = async (target: Target): Promise<Zone> => JSON.parse(await need(target, 200, 'GET', `${ZONES}/${target.zone}`)) as Zone;
const contents = ({ rrsets }: Zone, name: string, type: string): string[] =>
  rrsets.filter((each) => each.name === name && each.type === type).flatMap(({ records }) => records.map(({ content }) => content));
const records = (...values: readonly string[]) => values.map((content) => ({ content, disabled: false }));

function same(now: readonly string[], wanted: readonly string[], what: string): void {
  if (JSON.stringify(now.toSorted()) !== JSON.stringify(wanted.toSorted()))
    throw new Error(`${what}: ${now.join()} is not ${wanted.join()}`);
}

/** dns_pdns of acme.sh: two challenges of one name come and go; it reads JSON by regular expressions, and looks at no status. */
export async function acmeSh(target: Target): Promise<void> {
  const name = `_acme-challenge.${target.zone}`;
  const found = async () => {
    const text = (await send(target, 'GET', `${ZONES}/${target.zone}`)).text.replaceAll('\n', '');
    const rrset = new RegExp(`"name":"${name.replaceAll('.', '\\.')}[^\\]]*\\}`).exec(text)?.[0] ?? '';
    return [...rrset.matchAll(/content":"\\"([^\\]*)/g)].map(([, value]) => value!);
  };
  // It looks for the zone from the whole name upwards, the root last.
  const guesses = ['www', ''].map((label) => (label === '' ? target.zone : `${label}.${target.zone}`));
  const zones: string[] = [];
  for (const guess of [...guesses, '.']) {
    const { text } = await send(target, 'GET', `${ZONES}?zone=${guess}`);
    if (text.includes(`"name":"${guess}"`)) zones.push(guess);
  }
  same(zones, [target.zone], 'zones');
  const change = async (rrset: Json) => {
    await send(target, 'PATCH', `${ZONES}/${target.zone}`, { rrsets: [rrset] }, 'application/json');
    await need(target, 200, 'PUT', `${ZONES}/${target.zone}/notify`, '', 'application/x-www-form-urlencoded');
  };
  const base = { name, type: 'TXT' };
  await change({ changetype: 'REPLACE', ...base, ttl: 60, records: [{ name, type: 'TXT', content: '"one"', disabled: false, ttl: 60 }] });
  const both = [...(await found()), 'two'].map((value) => ({ name, type: 'TXT', content: `"${value}"`, disabled: false, ttl: 60 }));
  await change({ changetype: 'REPLACE', ...base, ttl: 60, records: both });
  same(await found(), ['one', 'two'], 'challenges');
  await change({ changetype: 'DELETE', ...base });
  await change({ changetype: 'REPLACE', ...base, ttl: 60, records: both.slice(1) });
  same(await found(), ['two'], 'challenges');
  await change({ changetype: 'DELETE', ...base });
}

/** zachomedia's webhook of cert-manager: merges, and deletes with an empty list, twice. */
export async function certManager(target: Target): Promise<void> {
  const name = `_acme-challenge.www.${target.zone}`;
  const replace = async (...values: readonly string[]) =>
    await need(target, 204, 'PATCH', `${ZONES}/${target.zone}`, {
      rrsets: [{ name, type: 'TXT', ttl: 60, changetype: 'REPLACE', records: records(...values) }],
    });
  await replace(...contents(await read(target), name, 'TXT'), '"key"');
  same(contents(await read(target), name, 'TXT'), ['"key"'], 'challenge');
  await replace();
  await replace();
}

/** libdns/powerdns of Caddy, with mittwald's go-powerdns: nulls and empty names, the whole content type compared. */
export async function caddy(target: Target): Promise<void> {
  const listed = await send(target, 'GET', `${ZONES}?zone=${target.zone}`);
  if (listed.type !== 'application/json') throw new Error(`content type ${listed.type}`);
  const zones = JSON.parse(listed.text) as Zone[];
  if (zones.length !== 1 || !['Native', 'Master', 'Slave'].includes(zones[0]!.kind)) throw new Error(listed.text);
  const name = `_acme-challenge.caddy.${target.zone}`;
  const patch = async (rrset: Json) =>
    await need(target, 204, 'PATCH', `${ZONES}/${zones[0]!.id}`, { name: '', type: 'Zone', rrsets: [rrset], nameservers: [] });
  const list = [...contents(await read(target), name, 'TXT'), '"caddy"'];
  await patch({ name, type: 'TXT', ttl: 0, changetype: 'REPLACE', records: records(...list), comments: null });
  await patch({ name, type: 'TXT', ttl: 0, changetype: 'DELETE', records: null, comments: null });
}

/** ExternalDNS with its TXT registry: a host comes with its owner record, changes, and goes. DELETE has no TTL. */
export async function externalDns(target: Target): Promise<void> {
  const zones = JSON.parse(await need(target, 200, 'GET', ZONES)) as Zone[];
  same(
    zones.map(({ id }) => id).filter((id) => id === target.zone),
    [target.zone],
    'zones',
  );
  const [host, owner] = [`app.${target.zone}`, `_owner.a-app.${target.zone}`];
  const registry = '"heritage=external-dns,external-dns/owner=default,external-dns/resource=ingress/default/app"';
  const patch = async (...rrsets: readonly Json[]) => await need(target, 204, 'PATCH', `${ZONES}/${target.zone}`, { rrsets });
  const set = (name: string, type: string, content: string) => ({ name, type, ttl: 300, changetype: 'REPLACE', records: records(content) });
  await patch(set(host, 'A', '192.0.2.10'), set(owner, 'TXT', registry));
  await patch(set(host, 'A', '192.0.2.11'), set(owner, 'TXT', registry));
  same(contents(await read(target), host, 'A'), ['192.0.2.11'], 'host');
  same(contents(await read(target), owner, 'TXT'), [registry], 'owner');
  const gone = (name: string, type: string, content: string) => ({ name, type, changetype: 'DELETE', records: records(content) });
  // Releases before its change of library send the whole zone back with it.
  const whole = await read(target);
  await need(target, 204, 'PATCH', `${ZONES}/${target.zone}`, {
    ...whole,
    rrsets: [gone(host, 'A', '192.0.2.11'), gone(owner, 'TXT', registry)],
  });
  // It makes an ALIAS of a CNAME at the apex, and compares what it reads with that.
  await patch(set(target.zone, 'ALIAS', `www.${target.zone}`));
  same(contents(await read(target), target.zone, 'ALIAS'), [`www.${target.zone}`], 'ALIAS');
  same(contents(await read(target), target.zone, 'A'), [], 'addresses of the ALIAS are not shown');
  const alias = await send(target, 'PATCH', `${ZONES}/${target.zone}`, { rrsets: [set(target.zone, 'ALIAS', 'lb.example.net.')] });
  if (alias.status !== 422 || !alias.text.includes('mail.resolvers')) throw new Error(`ALIAS: ${alias.status} ${alias.text}`);
  await patch(gone(target.zone, 'ALIAS', `www.${target.zone}`));
}

/** octoDNS: a version in numbers, 404 for a zone that is not there, then POST, A to CNAME in one PATCH with the DELETE first. */
export async function octoDns(target: Target): Promise<void> {
  const { version } = JSON.parse(await need(target, 200, 'GET', '/api/v1/servers/localhost')) as { version: string };
  const [major = 0, minor = 0, patchLevel] = version.split('-')[0]!.split('.').map(Number);
  if (major * 100 + minor < 407 || patchLevel === undefined) throw new Error(`version ${version}`);
  await need(target, 200, 'GET', '/api/v1/servers/localhost/config');
  const zone = 'octo.test.';
  const made = { ...target, zone };
  const rrsets = [
    { name: zone, type: 'NS', ttl: 3600, changetype: 'REPLACE', records: records('ns1.example.net.', 'ns2.example.net.') },
    { name: `www.${zone}`, type: 'A', ttl: 300, changetype: 'REPLACE', records: records('192.0.2.1') },
    { name: zone, type: 'TXT', ttl: 300, changetype: 'REPLACE', records: records('"v=DMARC1\\; p=none"') },
  ];
  await need(made, 404, 'GET', `${ZONES}/${zone}`);
  await need(made, 404, 'PATCH', `${ZONES}/${zone}`, { rrsets });
  const body = { name: zone, kind: 'master', masters: [], nameservers: [], rrsets, soa_edit_api: 'default', serial: 0 };
  await need(made, 201, 'POST', ZONES, body);
  await need(made, 204, 'PATCH', `${ZONES}/${zone}`, {
    rrsets: [
      { name: `www.${zone}`, type: 'A', ttl: 300, changetype: 'DELETE', records: records('192.0.2.1') },
      { name: `www.${zone}`, type: 'CNAME', ttl: 300, changetype: 'REPLACE', records: records('example.net.') },
    ],
  });
  const now = await read(made);
  same(contents(now, `www.${zone}`, 'CNAME'), ['example.net.'], 'www');
  same(contents(now, zone, 'NS'), ['ns1.example.net.', 'ns2.example.net.'], 'NS');
  const managed = now.rrsets.filter(({ type }) => ['DNSKEY', 'RRSIG', 'NSEC', 'CDS', 'CDNSKEY'].includes(type));
  same(
    managed.map(({ type }) => type),
    [],
    'managed',
  );
}

/** dnscontrol: zones, records, keys in each run; one PATCH for each RRset; AUTODNSSEC_ON. */
export async function dnsControl(target: Target): Promise<void> {
  await need(target, 200, 'GET', ZONES);
  await read(target);
  const keys = JSON.parse(await need(target, 200, 'GET', `${ZONES}/${target.zone}/cryptokeys`)) as { active: boolean; id: number }[];
  if (keys.length === 0) throw new Error('no keys');
  await need(target, 201, 'POST', `${ZONES}/${target.zone}/cryptokeys`, { keytype: 'csk', active: true, published: true });
  await need(target, 422, 'DELETE', `${ZONES}/${target.zone}/cryptokeys/${keys[0]!.id}`);
  const name = `dnscontrol.${target.zone}`;
  for (const rrset of [
    { name, type: 'A', ttl: 300, changetype: 'REPLACE', records: records('192.0.2.20'), comments: null },
    { name, type: 'A', ttl: 0, changetype: 'DELETE', records: null, comments: null },
  ])
    await need(target, 204, 'PATCH', `${ZONES}/${target.zone}`, { name: '', type: 'Zone', rrsets: [rrset], nameservers: [] });
}

/** pan-net's provider of Terraform: servers first, a zone and a record come, are read back as they were written, and go. */
export async function terraform(target: Target): Promise<void> {
  await need(target, 200, 'GET', '/api/v1/servers');
  await need(target, 200, 'GET', '/api/v1/servers/localhost');
  const { zone } = target;
  await need(target, 201, 'POST', ZONES, {
    id: '',
    name: zone,
    url: '',
    kind: 'Native',
    dnsssec: false,
    serial: 0,
    account: 'admin',
    nameservers: ['ns1.example.net.'],
    soa_edit_api: '',
  });
  const shown = (await read(target)) as Zone & { account: string; soa_edit_api: string };
  same([shown.kind, shown.account, shown.soa_edit_api], ['Native', 'admin', ''], 'labels');
  same(contents(shown, zone, 'NS'), ['ns1.example.net.'], 'NS');
  const name = `www.${zone}`;
  const record = { name, type: 'A', ttl: 300, content: '192.0.2.1', disabled: false, 'set-ptr': false };
  await need(target, 204, 'PATCH', `${ZONES}/${zone}`, {
    rrsets: [{ name, type: 'A', ttl: 300, changetype: 'REPLACE', records: [record] }],
  });
  same(contents(await read(target), name, 'A'), ['192.0.2.1'], 'record');
  await need(target, 204, 'PATCH', `${ZONES}/${zone}`, { rrsets: [{ name, type: 'A', ttl: 0, changetype: 'DELETE' }] });
  await need(target, 204, 'PUT', `${ZONES}/${zone}`, { name: zone, kind: 'Native', account: 'admin', nameservers: [] });
  await need(target, 204, 'DELETE', `${ZONES}/${zone}`);
  await need(target, 404, 'GET', `${ZONES}/${zone}`);
}
