/** A signed zone under a parent with two servers, in a control whose clock the test holds. */
import { nameOf, ownerKey } from '#dns/name.ts';
import { type Reply } from '#dns/reply.ts';
import { RCODE, TYPE } from '#dns/types.ts';
import { keyUse } from '#dnssec/key-stage.ts';
import { verifyNodes } from '#dnssec/verify.ts';
import { nodeFlags, occlusion } from '#zone/node-flags.ts';
import { type ZoneNode, rrsetOf } from '#zone/view.ts';
import { type TestControl, type TestControlOptions, temporaryControl } from './temporary-control.ts';

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
export const ZONE = nameOf('keys.example.');
const TEXT = '@ 3600 SOA ns1 host 10 7200 900 1209600 900\n@ 3600 NS ns1\nns1 7200 A 192.0.2.1\n*.w 60 TXT "x"\n';

/** A server of the parent: it has these DS records, or does something else. */
type Parent = { ds: readonly Uint8Array[]; ttl: number; answers: 'ds' | 'servfail' | 'nothing' };

export async function bench(options: Pick<TestControlOptions, 'in' | 'nowMs' | 'bootId' | 'witnesses'> = {}) {
  const parents: Record<string, Parent> = {
    '192.0.2.53': { ds: [], ttl: 3600, answers: 'ds' },
    '192.0.2.54': { ds: [], ttl: 3600, answers: 'ds' },
  };
  const asked: string[] = [];
  const room = temporaryControl({
    ...options,
    sources: ['dnssec'],
    outside: {
      lookup: (name, type) => {
        const key = ownerKey(name);
        if (type === TYPE.NS && key === ownerKey(nameOf('example.')))
          return Promise.resolve({ kind: 'answer', rdatas: [nameOf('a.nic.test.'), nameOf('b.nic.test.')], ttlSeconds: 60 });
        const last = key === ownerKey(nameOf('a.nic.test.')) ? 53 : key === ownerKey(nameOf('b.nic.test.')) ? 54 : undefined;
        if (type === TYPE.A && last !== undefined)
          return Promise.resolve({ kind: 'answer', rdatas: [Uint8Array.of(192, 0, 2, last)], ttlSeconds: 60 });
        return Promise.resolve({ kind: 'nodata' });
      },
    },
    askServer: (server, _name, type) => {
      asked.push(`${server.ip} ${type}`);
      const { ds, ttl, answers } = parents[server.ip]!;
      if (answers === 'nothing') return Promise.resolve({ failure: 'does not answer' });
      const reply: Reply = {
        rcode: answers === 'servfail' ? RCODE.SERVFAIL : RCODE.NOERROR,
        isAuthoritative: true,
        isTruncated: false,
        records: ds.map((rdata) => ({ ttl, rdata })),
        count: ds.length,
      };
      return Promise.resolve({ reply });
    },
  });
  room.publisher.receive({ kind: 'served', workers: [{ id: 0, alive: true, generation: Number.MAX_SAFE_INTEGER }] });
  if (options.in === undefined) await room.load('keys.example.', TEXT);
  const record = () => room.writer.zoneByName(ZONE)!;
  const apex = (): ZoneNode => room.writer.view(record()).node(ownerKey(ZONE))!;
  return { ...room, parents, asked, record, apex };
}

export type Bench = Awaited<ReturnType<typeof bench>>;

/** The registrar does what CDS asks for. */
export function follow({ parents, apex }: Bench, ...ips: readonly string[]): void {
  const cds = rrsetOf(apex(), TYPE.CDS)!.rdatas;
  const ds = cds.some((rdata) => rdata[2] === 0) ? [] : cds;
  for (const ip of ips.length > 0 ? ips : Object.keys(parents)) parents[ip]!.ds = ds;
}

export const states = ({ record }: Bench) => record().keys.map(({ role, algorithm, state }) => `${role} ${algorithm} ${state}`);

/** Our own validator, over the whole zone as it is stored. */
export function problemsOf({ writer, record, clock }: Bench): readonly string[] {
  const view = writer.view(record());
  const isBelow = occlusion(view);
  const nodes = [...view.ascend(view.apexKey)].map((node) => ({ node, flags: nodeFlags(node, view.apexKey, isBelow(node.key)) }));
  const dnskeys = (isPublished: boolean) =>
    record()
      .keys.filter(({ role, state }) => keyUse(role, state).isPublished === isPublished)
      .map(({ dnskey }) => new Uint8Array(Buffer.from(dnskey, 'base64')));
  const options = { nowSeconds: clock.nowMs() / 1000, view, unpublished: dnskeys(false) };
  const foreign = (record().foreignKeys ?? []).map(({ dnskey }) => new Uint8Array(Buffer.from(dnskey, 'base64')));
  return verifyNodes(ZONE, nodes, [...dnskeys(true), ...foreign], options).map(({ code, message }) => `${code} ${message}`);
}

export const roll = (room: TestControl, role: 'csk' | 'ksk' | 'zsk', dryRun = false) =>
  room.run({ kind: 'dnssec.roll', zone: ZONE, role }, { dryRun });
