/**
 * What of a restored store is older than the world: serials that secondaries have, DS records at the parents of keys
 * that are not here, and the id of an MTA-STS policy that others have seen. Asked outside, zone by zone; what does not
 * answer proves nothing and is named.
 * Implements: RFC 1982 §3.2 (newer), RFC 4035 §2.4 (a DS whose key is not there), RFC 8461 §3.1 (the id).
 * Not here: what is done to a restored store (restored.ts).
 */
import { RESTORE_ASKED_AT_ONCE, RESTORE_FINDINGS_MAX } from '#base/limits/backup.ts';
import { ipPort } from '#base/address.ts';
import { nameOf, ownerKey } from '#dns/name.ts';
import { formatRdata } from '#dns/registry.ts';
import { type Resolver } from '#dns/resolver.ts';
import { type Serial, isNewer } from '#dns/serial.ts';
import { TYPE } from '#dns/types.ts';
import { keyPolicyOf } from '#store/dnssec/policies.ts';
import { type StoreReader } from '#store/reader.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { readSecondaries } from '#store/transfer/secondaries.ts';
import { soaSerial } from '#zone/changeset.ts';
import { rrsetOf } from '#zone/view.ts';
import { type ReviewFinding, type ReviewView } from '#control/api/backups.ts';
import { type AskServer, ParentServers, isDsOf } from '#control/dnssec/parent.ts';
import { askDirectly } from '#control/outside/direct-question.ts';

export interface ReviewOptions {
  readonly writer: StoreReader;
  /** Answers what is in none of our zones. */
  readonly outside: Resolver;
  /** Over the network unless given. */
  readonly askServer?: AskServer;
}

/** Everything that is older, RESTORE_FINDINGS_MAX at most, and what could not be asked. */
export async function reviewStore(
  options: ReviewOptions,
): Promise<Pick<ReviewView, 'findings' | 'unanswered' | 'zones'>> {
  const zones = [...options.writer.zones()];
  const findings: ReviewFinding[] = [];
  const unanswered: string[] = [];
  const waiting = [...zones];
  const work = async (): Promise<void> => {
    for (let listed = waiting.shift(); listed !== undefined; listed = waiting.shift()) {
      // Zones go and change while others are asked for.
      const record = options.writer.zoneById(listed.id);
      if (record === undefined) continue;
      if (findings.length + unanswered.length >= RESTORE_FINDINGS_MAX) return;
      for (const found of await reviewZone(record, options))
        if (typeof found === 'string') unanswered.push(found);
        else findings.push(found);
    }
  };
  await Promise.all(Array.from({ length: RESTORE_ASKED_AT_ONCE }, work));
  return { zones: zones.length, findings, unanswered };
}

type Found = ReviewFinding | string;

async function reviewZone(record: ZoneRecord, options: ReviewOptions): Promise<readonly Found[]> {
  const looks = [reviewSecondaries(record, options), reviewDs(record, options), reviewStsId(record, options)];
  return (await Promise.all(looks)).flat();
}

async function reviewSecondaries(record: ZoneRecord, options: ReviewOptions): Promise<readonly Found[]> {
  const { name } = record;
  const seen = await secondarySerials(record, options);
  const serial = options.writer.zoneById(record.id)?.serial ?? record.serial;
  return seen.flatMap(({ server, answer }): Found[] => {
    if (typeof answer === 'string') return [`${name} ${server}: ${answer}`];
    if (!isNewer(answer, serial)) return [];
    const text = `secondary ${server} has serial ${answer}, newer than ours, ${serial}: it does not follow`;
    const fix = `raise it: waxseal rrset set ${name} @ SOA …, with a serial above ${answer}`;
    return [{ zone: name, kind: 'serial', text, fix }];
  });
}

export interface SeenSerial {
  readonly server: string;
  /** Words when it does not say. */
  readonly answer: Serial | string;
}

/** What each secondary of the zone says. Never rejects. */
export async function secondarySerials(
  { id, name }: Pick<ZoneRecord, 'id' | 'name'>,
  { writer, askServer = askDirectly }: Pick<ReviewOptions, 'writer' | 'askServer'>,
): Promise<readonly SeenSerial[]> {
  return await Promise.all(
    readSecondaries(writer, id).map(async ({ ip, port }) => {
      const reply = await askServer(ipPort(ip, port), nameOf(name), TYPE.SOA);
      if ('failure' in reply) return { server: `${ip} port ${port}`, answer: reply.failure };
      const [soa] = reply.reply.records;
      const answer = soa === undefined ? 'does not answer with an SOA' : soaSerial(soa.rdata);
      return { server: `${ip} port ${port}`, answer };
    }),
  );
}

/** A DS of a key that is lost makes the zone bogus, or will when the other DS goes. */
async function reviewDs(
  record: ZoneRecord,
  { writer, outside, askServer = askDirectly }: ReviewOptions,
): Promise<readonly Found[]> {
  const { name, keys, dnssec, foreignKeys = [] } = record;
  if (dnssec !== 'on' || keys.length === 0) return [];
  const apex = nameOf(name);
  const fixed = keyPolicyOf(writer, record).parentServers ?? [];
  const looks = await new ParentServers(outside, askServer).look(apex, fixed);
  const known = [...keys, ...foreignKeys];
  return looks.flatMap(({ place, ds, text }): Found[] => {
    if (ds === undefined) return [`${name} ${place}: ${text}`];
    const lost = ds.filter((rdata) => known.every((key) => !isDsOf(rdata, apex, key)));
    return lost.map((rdata) => ({
      zone: name,
      kind: 'ds',
      text: `${place} has DS ${formatRdata(TYPE.DS, rdata)}, of a key that is not in the store`,
      fix: `have it replaced at the registrar: waxseal dnssec ds ${name} shows the DS of now`,
    }));
  });
}

/** Senders that have seen a newer policy under another id fetch again only when the id differs from theirs. */
async function reviewStsId(
  { id, name }: ZoneRecord,
  { writer, askServer = askDirectly }: ReviewOptions,
): Promise<readonly Found[]> {
  const record = writer.zoneById(id);
  if (record === undefined) return [];
  const view = writer.view(record);
  const owner = nameOf(`_mta-sts.${name}`);
  const own = textsOf(rrsetOf(view.node(ownerKey(owner)), TYPE.TXT)?.rdatas ?? []);
  if (own.length === 0) return [];
  const found = await Promise.all(
    readSecondaries(writer, id).map(async ({ ip, port }): Promise<Found[]> => {
      const reply = await askServer(ipPort(ip, port), owner, TYPE.TXT);
      // Silence is reported with the serial.
      if ('failure' in reply) return [];
      const theirs = textsOf(reply.reply.records.map(({ rdata }) => rdata));
      if (theirs.length === 0 || theirs[0] === own[0]) return [];
      const text = `secondary ${ip} port ${port} gives out ${theirs[0]}, ours is ${own[0]}`;
      const fix = `look which policy is meant: waxseal mta-sts show ${name}`;
      return [{ zone: name, kind: 'mta-sts', text, fix }];
    }),
  );
  return found.flat();
}

function textsOf(rdatas: readonly Uint8Array[]): string[] {
  return rdatas.map((rdata) => formatRdata(TYPE.TXT, rdata)).toSorted();
}
