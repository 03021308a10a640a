/** A zone for tests of ALIAS, on the real control and store, and a world outside whose answers may change. */
import { type RrsetOperation } from '#control/api/control.ts';
import { nameOf, ownerKey, formatName, lowerName } from '#dns/name.ts';
import { parseRecordData } from '#dns/record-data.ts';
import { formatRdata } from '#dns/registry.ts';
import { type ResolverAnswer } from '#dns/resolver.ts';
import { TYPE } from '#dns/types.ts';
import { formatZoneFile } from '#dns/zone-file-format.ts';
import { good, temporaryControl } from './temporary-control.ts';

export const ALIAS_ZONE = nameOf('example.');
export const ALIAS_ZONE_TEXT = `
@ 3600 SOA ns1 host 10 7200 900 1209600 300
@ 3600 NS ns1
ns1 3600 A 198.51.100.1
www 300 A 8.8.8.1
sub 3600 NS ns.sub
ns.sub 3600 A 8.8.8.3
old 300 CNAME www
`;

type Entry =
  | { readonly a?: readonly string[]; readonly aaaa?: readonly string[]; readonly ttl?: number }
  | 'servfail'
  | 'nxdomain'
  | 'hangs';

/** `world` is what others publish, and may change. */
export async function aliasLab(world: Record<string, Entry>, options: { readonly hasResolvers?: boolean } = {}) {
  const asked: string[] = [];
  const room = temporaryControl({
    ...options,
    outside: {
      async lookup(name, type): Promise<ResolverAnswer> {
        const text = formatName(lowerName(name));
        asked.push(text);
        const entry = world[text] ?? 'nxdomain';
        if (entry === 'hangs') return new Promise(() => {});
        if (entry === 'servfail') return { kind: 'servfail', reason: 'it is broken' };
        if (entry === 'nxdomain') return { kind: 'nxdomain' };
        const texts = (type === TYPE.A ? entry.a : entry.aaaa) ?? [];
        if (texts.length === 0) return { kind: 'nodata' };
        const rdatas = texts.map((each) => {
          const parsed = parseRecordData(type, each, ALIAS_ZONE);
          if (!parsed.ok) throw new Error(each);
          return parsed.value;
        });
        return { kind: 'answer', rdatas, ttlSeconds: entry.ttl ?? 300 };
      },
    },
  });
  await room.load('example.', ALIAS_ZONE_TEXT);
  const change = (...operations: RrsetOperation[]) => room.run({ kind: 'rrsets.change', zone: ALIAS_ZONE, operations });
  const show = (name: string) => {
    const view = room.control.zones.shown(room.control.zones.find(ALIAS_ZONE)!);
    const node = view.node(ownerKey(nameOf(name)));
    return (node?.rrsets ?? [])
      .filter(({ type }) => [TYPE.A, TYPE.AAAA, TYPE.ALIAS].some((each) => each === type))
      .map(
        ({ type, ttl, rdatas, manager }) =>
          `${ttl} ${rdatas.map((rdata) => formatRdata(type, rdata)).join(' ')} ${manager}`,
      );
  };
  const [soon, late] = ['alias', 'alias-late'].map((name) =>
    room.control.lifecycles.sources.find((each) => each.name === name)!,
  );
  const look = async (source = soon!) => {
    const due = source.due(room.control.lifecycles.nowMs(), 10);
    for (const zone of due) good(await source.work(zone));
    return due.length;
  };
  const alerts = () =>
    room.control.events
      .after(0, 1000)
      .filter(({ kind }) => kind === 'alert')
      .map(({ event }) => event);
  const exported = () => {
    const record = room.control.zones.find(ALIAS_ZONE)!;
    const view = room.control.zones.shown(record);
    return [...formatZoneFile(view.ascend(view.apexKey), { signed: false, hasAliases: true })].join('');
  };
  return { ...room, world, asked, change, show, soon: soon!, late: late!, look, alerts, exported };
}

export const alias = (name: string, target: string, ttl = 300): RrsetOperation => ({
  op: 'set',
  name,
  type: 'ALIAS',
  ttl,
  records: [target],
});
export const LB = { a: ['8.8.8.9', '8.8.8.8'], aaaa: ['2600::1'], ttl: 120 };
