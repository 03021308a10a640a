/** A parent and its children in one control, whose clock the test holds: each child is asked through the oracle. */
import { type AskServer } from '#control/dnssec/parent.ts';
import { nameOf, ownerKey } from '#dns/name.ts';
import { type Reply } from '#dns/reply.ts';
import { formatRdata } from '#dns/registry.ts';
import { TYPE } from '#dns/types.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type StoreWriter } from '#store/writer.ts';
import { rrsetOf } from '#zone/view.ts';
import { type TestControl, good, temporaryControl } from './temporary-control.ts';

export const PARENT = nameOf('parent.test.');
export const CHILD = nameOf('kid.parent.test.');
const PARENT_TEXT = `
@ 60 SOA ns host 1 3600 600 86400 60
@ 60 NS ns
ns 60 A 192.0.2.53
kid 60 NS a.op.test.
kid 60 NS b.op.test.
`;
const CHILD_TEXT = '@ 60 SOA a.op.test. host 1 3600 600 86400 60\n@ 60 NS a.op.test.\n@ 60 NS b.op.test.\nwww 60 A 192.0.2.1\n';
const OPERATOR_TEXT = `
@ 60 SOA a host 1 3600 600 86400 60
@ 60 NS a
a 60 A 192.0.2.61
b 60 A 192.0.2.62
`;

/** Makes a zone look as if it were a copy of a primary's, which takes a primary to make. */
export function markCopied(writer: StoreWriter, name: string): void {
  const copy = (record: ZoneRecord | undefined): ZoneRecord | undefined =>
    record?.name === name ? { ...record, secondary: { mode: 'copy' } } : record;
  const byName = writer.zoneByName.bind(writer);
  const byId = writer.zoneById.bind(writer);
  const all = writer.zones.bind(writer);
  writer.zoneByName = (zone) => copy(byName(zone));
  writer.zoneById = (id) => copy(byId(id));
  writer.zones = () => all().map((record) => copy(record)!);
}

/** What a server does in place of an honest answer. */
export type Lie = (type: number, honest: Reply) => Reply | { readonly failure: string };

export async function delegationBench({ operatorSigned = true } = {}) {
  /** By address. */
  const lies: Record<string, Lie> = {};
  const asked: string[] = [];
  const honest: AskServer = (_server, name, type) => {
    const { answer, rcode } = room.control.zones.query(name, type, true);
    const found = answer.find((rrset) => rrset.type === type);
    const records = (found?.rdatas ?? []).map((rdata) => ({ ttl: found!.ttl, rdata }));
    const signatures = found?.signatures ?? [];
    const reply = { rcode, isAuthoritative: true, isTruncated: false, records, count: records.length, signatures };
    return Promise.resolve({ reply });
  };
  const room: TestControl = temporaryControl({
    sources: ['dnssec', 'delegation', 'delegation-signal'],
    witnesses: { nameServers: new Map(), probes: new Map(), isAllowed: () => true },
    askServer: async (server, name, type) => {
      asked.push(`${server.ip} ${type}`);
      const answer = await honest(server, name, type);
      const lie = lies[server.ip];
      if (lie === undefined || !('reply' in answer)) return answer;
      const said = lie(type, answer.reply);
      return 'failure' in said ? said : { reply: said };
    },
  });
  room.publisher.receive({ kind: 'served', workers: [{ id: 0, alive: true, generation: Number.MAX_SAFE_INTEGER }] });
  await room.load('op.test.', OPERATOR_TEXT, { dnssec: operatorSigned });
  await room.load('parent.test.', PARENT_TEXT, { parent: 'ignore' });
  await room.load('kid.parent.test.', CHILD_TEXT, { parent: 'ignore' });
  const nodeOf = (zone: Uint8Array, owner: Uint8Array) => room.writer.view(room.writer.zoneByName(zone)!).node(ownerKey(owner));
  const texts = (zone: Uint8Array, owner: Uint8Array, type: number): readonly string[] =>
    (rrsetOf(nodeOf(zone, owner), type)?.rdatas ?? []).map((rdata) => formatRdata(type, rdata));
  return {
    ...room,
    lies,
    asked,
    texts,
    nodeOf,
    ds: () => texts(PARENT, CHILD, TYPE.DS),
    cds: () => texts(CHILD, CHILD, TYPE.CDS),
    /** How the child stands with its parent. */
    child: () => room.control.delegation.view(room.writer.zoneByName(PARENT)!).children[0],
    /** NOTIFY(CDS) from anyone. */
    notify: () => room.control.notifyFollowers.get(TYPE.CDS)!(CHILD, '192.0.2.9'),
    on: async () => void good(await room.run({ kind: 'delegation.set', zone: PARENT, isOn: true })),
    /** The parent's DS by hand, whatever it is. */
    setDs: async (records: readonly string[]) =>
      void good(
        await room.run({
          kind: 'rrsets.change',
          zone: PARENT,
          operations: [
            records.length === 0
              ? { op: 'delete', name: 'kid.parent.test.', type: 'DS' }
              : { op: 'set', name: 'kid.parent.test.', type: 'DS', ttl: 60, records },
          ],
        }),
      ),
  };
}

export type DelegationBench = Awaited<ReturnType<typeof delegationBench>>;
