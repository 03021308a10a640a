/**
 * What `waxseal serve` prints when it is ready: what it serves, the DS record, three lines to try, where the token is.
 */
import { READY_ZONES_SHOWN_MAX } from '#base/limits/server.ts';
import { nameOf, ownerKey } from '#dns/name.ts';
import { typeName } from '#dns/registry.ts';
import { TYPE } from '#dns/types.ts';
import { servedBody } from '#mail/mta-sts/lifecycle.ts';
import { type ControlApi } from '#control/api/control.ts';

export interface ReadyFacts {
  readonly tokenFile: string;
  /** Path of the key-encryption key when this start made it. */
  readonly kekMadeIn: string | undefined;
  /** `ADDR:PORT`, at least one. */
  readonly dns: readonly string[];
  /** Empty when the admin API has no TCP listener. */
  readonly admin: string;
  /** It speaks TLS. */
  readonly isAdminTls?: boolean;
  /** `ADDR:PORT` of the policy host; undefined: there is none. */
  readonly https: string | undefined;
  /** Hosts without another certificate have a self-signed one. */
  readonly isSelfSigned: boolean;
}

export function readyScreen(control: ControlApi, facts: ReadyFacts): string {
  const { tokenFile, kekMadeIn, dns, admin, https, isSelfSigned, isAdminTls = false } = facts;
  const scheme = isAdminTls ? 'https' : 'http';
  const api = admin === '' ? '' : `, admin API on ${scheme}://${admin} (docs at /docs)`;
  const zones = control.zones.list();
  const lines = [
    '',
    `waxseal is ready: DNS on ${dns.join(', ')} (UDP and TCP)${api}`,
    '',
    ...(zones.length === 0
      ? ['  No zones yet. Add one:  ./waxseal zone import example.com example.com.zone']
      : zones.length <= READY_ZONES_SHOWN_MAX
        ? zones.map(
            ({ name, serial, dnssec, nodeCount }) =>
              `  ${name.padEnd(34)} serial ${serial}  ${nodeCount} names  ${dnssec === 'on' ? 'signed' : 'not signed'}`,
          )
        : [`  ${zones.length} zones; list them: ./waxseal zone list`]),
  ];
  const shown =
    zones.find(({ name, dnssec }) => dnssec === 'on' && !name.endsWith('.arpa.')) ?? zones.find(({ dnssec }) => dnssec === 'on');
  if (shown !== undefined) {
    const [ds] = control.zones.ds(shown);
    const [host, port] = splitEndpoint(dns[0]!);
    lines.push(
      '',
      'DS record for the parent (more forms: ./waxseal dnssec ds ZONE):',
      `  ${ds!.record}`,
      '',
      'Try:',
      ...tryLines(control, shown.name).map((line) => `  dig @${host} -p ${port} ${line}`),
    );
  }
  const policy = https === undefined ? undefined : policyLine(control, https, isSelfSigned);
  if (policy !== undefined) lines.push(`  ${policy}`);
  lines.push('', `Administrator's token: ${tokenFile}`);
  if (kekMadeIn !== undefined)
    lines.push(
      `Key-encryption key, made just now: ${kekMadeIn}`,
      '  Keep a copy, but not with backups of the store: without this key all others are lost.',
    );
  lines.push('');
  return `${lines.join('\n')}\n`;
}

/**
 * Three questions whose answers show something: signed mail exchangers or addresses, the DMARC policy or the keys, a proof of
 * non-existence.
 */
function tryLines(control: ControlApi, zone: string): string[] {
  const record = control.zones.list().find(({ name }) => name === zone)!;
  const bare = zone.slice(0, -1);
  const view = control.zones.view(record);
  const apex = view.node(view.apexKey);
  const type = [TYPE.MX, TYPE.A, TYPE.NS].find((each) => apex?.rrsets.some((rrset) => rrset.type === each)) ?? TYPE.SOA;
  const dmarc = view.node(ownerKey(nameOf(`_dmarc.${zone}`)));
  const hasDmarc = dmarc?.rrsets.some((rrset) => rrset.type === TYPE.TXT) === true;
  return [
    `${bare} ${typeName(type)} +dnssec`,
    hasDmarc ? `_dmarc.${bare} TXT +dnssec` : `${bare} DNSKEY +dnssec +multi`,
    `no-such-name.${bare} A +dnssec`,
  ];
}

/** One line for curl that shows a policy of MTA-STS; undefined when no zone has one. */
function policyLine(control: ControlApi, https: string, isSelfSigned: boolean): string | undefined {
  const zone = control.zones.list().find((record) => {
    const mail = control.mail.view(record);
    return mail !== undefined && servedBody(mail.state.mtaSts) !== undefined;
  });
  if (zone === undefined) return undefined;
  const [host, port] = splitEndpoint(https);
  const name = `mta-sts.${zone.name.slice(0, -1)}`;
  // -k: no CA has signed the certificate; who takes the server into production leaves it out.
  const trust = isSelfSigned ? '-k ' : '';
  return `curl ${trust}--resolve ${name}:${port}:${host} https://${name}:${port}/.well-known/mta-sts.txt`;
}

function splitEndpoint(endpoint: string): [host: string, port: string] {
  const at = endpoint.lastIndexOf(':');
  return [endpoint.slice(0, at).replace(/^\[|\]$/g, ''), endpoint.slice(at + 1)];
}
