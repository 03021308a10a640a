/** Knot, BIND and PowerDNS as producers of catalogs: their members are changed while they run. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BIND_LOGGING, type PeerKey, bindHead, bindKey, knotHead, knotKey } from './peer-configs.ts';
import { type Endpoint } from './exchange.ts';
import { startConfigured } from './peers.ts';
import { startPowerdnsServer } from './powerdns-server.ts';
import { runTool } from './tools.ts';

export interface ProducedMember {
  /** Absolute, with the last dot. */
  readonly zone: string;
  readonly group?: string;
}

export interface CatalogProducer extends Endpoint {
  /** These are its members from now on. */
  produce(members: readonly ProducedMember[]): Promise<void>;
  stop(): Promise<void>;
}

export type ProducerKind = 'knot' | 'bind' | 'powerdns';

interface Wanted {
  readonly catalog: string;
  readonly key: PeerKey;
  readonly members: readonly ProducedMember[];
}

const zoneText = (zone: string): string => `$ORIGIN ${zone}\n@ 60 SOA ns host 7 60 60 86400 60\n@ 60 NS ns\nns 60 A 192.0.2.1\n`;

function knotConfig({ catalog, key, members }: Wanted, directory: string, port: number): string {
  const of = ({ zone, group }: ProducedMember): string => {
    writeFileSync(join(directory, `${zone}zone`), zoneText(zone));
    const grouped = group === undefined ? '' : `\n    catalog-group: ${group}`;
    return `  - domain: ${zone}\n    catalog-role: member\n    catalog-zone: ${catalog}${grouped}\n`;
  };
  return `${knotHead(directory, port)}${knotKey(key)}acl:
  - id: transfer
    key: ${key.name}
    action: transfer
template:
  - id: default
    storage: ${directory}
    file: "%s.zone"
    acl: transfer
zone:
  - domain: ${catalog}
    catalog-role: generate
${members.map(of).join('')}`;
}

/** It has no producer: the catalog is a zone file, as its manual shows it. */
function bindConfig({ catalog, key, members }: Wanted, directory: string, port: number, serial: number): string {
  const lines = members.map(({ zone, group }) => {
    const label = Buffer.from(zone).toString('hex').slice(0, 60);
    writeFileSync(join(directory, `${zone}zone`), zoneText(zone));
    return `${label}.zones 0 PTR ${zone}\n${group === undefined ? '' : `group.${label}.zones 0 TXT "${group}"\n`}`;
  });
  const head = `$ORIGIN ${catalog}\n@ 0 SOA invalid. invalid. ${serial} 60 60 86400 0\n@ 0 NS invalid.\n`;
  writeFileSync(join(directory, `${catalog}zone`), `${head}version 0 TXT "2"\n${lines.join('')}`);
  const zones = [catalog, ...members.map(({ zone }) => zone)];
  return `${bindHead(directory, port)}  dnssec-validation no;
  notify no;
  allow-transfer { key "${key.name}"; };
};
controls { };
${bindKey(key)}${BIND_LOGGING}${zones.map((zone) => `zone "${zone}" { type primary; file "${zone}zone"; };\n`).join('')}`;
}

async function startFile(kind: 'knot' | 'bind', wanted: Wanted): Promise<CatalogProducer> {
  let serial = 1;
  const configOf = (members: readonly ProducedMember[], directory: string, port: number): string => {
    const now = { ...wanted, members };
    return kind === 'knot' ? knotConfig(now, directory, port) : bindConfig(now, directory, port, serial++);
  };
  const peer = await startConfigured(
    kind,
    wanted.members.map(({ zone }) => ({ name: zone })),
    (directory, port) => configOf(wanted.members, directory, port),
  );
  return {
    ...peer,
    async produce(members) {
      writeFileSync(join(peer.directory, 'config'), configOf(members, peer.directory, peer.port));
      if (kind === 'knot') {
        const { code, stderr } = await runTool('knotc', ['-s', join(peer.directory, 'knot.sock'), 'reload']);
        if (code !== 0) throw new Error(`knotc: ${stderr}`);
      } else process.kill(Number(readFileSync(join(peer.directory, 'named.pid'), 'utf8')), 'SIGHUP');
    },
  };
}

async function startPowerdns({ catalog, key, members }: Wanted): Promise<CatalogProducer> {
  const made = new Set<string>();
  let server: Awaited<ReturnType<typeof startPowerdnsServer>> | undefined;
  type Util = NonNullable<typeof server>['util'];
  const add = async (util: Util, { zone, group }: ProducedMember): Promise<void> => {
    if (!made.has(zone)) {
      await util(['load-zone', zone, 'FILE'], zoneText(zone));
      await util(['set-kind', zone, 'primary']);
      await util(['set-meta', zone, 'TSIG-ALLOW-AXFR', key.name]);
      await util(['set-catalog', zone, catalog]);
      made.add(zone);
    }
    await util(['set-option', zone, 'producer', 'group', ...(group === undefined ? [''] : [group])]);
  };
  server = await startPowerdnsServer(async (util) => {
    await util(['import-tsig-key', key.name, key.algorithm, key.secret]);
    await util(['load-zone', catalog, 'FILE'], `$ORIGIN ${catalog}\n@ 0 SOA invalid. invalid. 1 60 60 86400 0\n@ 0 NS invalid.\n`);
    await util(['set-kind', catalog, 'producer']);
    await util(['set-meta', catalog, 'TSIG-ALLOW-AXFR', key.name]);
    for (const member of members) await add(util, member);
  }, members[0]?.zone);
  const started = server;
  const util: Util = (words, text) => started.util(words, text);
  return {
    ...started,
    async produce(wanted) {
      for (const zone of made)
        if (wanted.every((each) => each.zone !== zone)) {
          await util(['delete-zone', zone]);
          made.delete(zone);
        }
      for (const member of wanted) await add(util, member);
      await util(['increase-serial', catalog]);
    },
  };
}

export function startProducer(kind: ProducerKind, wanted: Wanted): Promise<CatalogProducer> {
  return kind === 'powerdns' ? startPowerdns(wanted) : startFile(kind, wanted);
}
