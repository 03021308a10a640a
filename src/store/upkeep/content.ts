/**
 * What a check of the store's structure leaves out because it needs keys or much time: every secret opens, and
 * signatures and chains are what a validator takes.
 * Implements: RFC 4035 §5.3 (signatures), RFC 4034 §4 and RFC 5155 §7.1 (chains), by dnssec/verify.ts.
 * Not here: structure (store/verify.ts).
 */
import { BACKUP_BATCH_NODES } from '#base/limits/backup.ts';
import { formatProblem } from '#base/problem.ts';
import { nameOf } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { type FlaggedNode, type VerifyOptions, verifyHashed, verifyNodes } from '#dnssec/verify.ts';
import { messageOf } from '#store/failure.ts';
import { labelOfSecret } from '#store/kek/change.ts';
import { decodeNode } from '#store/node-codec.ts';
import { type StoreReader } from '#store/reader.ts';
import { type ZoneRecord, isSignedHere, ownerOfKey, zoneIdOfKey } from '#store/schema.ts';
import { type Sealer } from '#store/seal.ts';
import { rrsetOf } from '#zone/view.ts';

/** Takes what is wrong, and where. */
export type Report = (where: string, what: string) => void;

export interface OpenedSecrets {
  /** Secrets that open with the key-encryption key. */
  readonly secrets: number;
  /** Secrets under the policy host's own key (https.key_file), which were not opened. */
  readonly ofPolicyHost: number;
}

export interface SignatureCheck {
  /** How many owner names, by chance, and each apex beside them. */
  readonly nodes: number | 'all';
  readonly random: () => number;
  /** Now, or when a backup was made. */
  readonly atMs: number;
}

/** Opens every secret and forgets it. */
export function verifySecrets(reader: StoreReader, sealer: Sealer, report: Report): OpenedSecrets {
  const { environment, read } = reader.inspect();
  const nameOfZone = new Map(reader.zones().map(({ id, name }) => [id, name]));
  let secrets = 0;
  let ofPolicyHost = 0;
  for (const { key, value } of environment.db.secrets.getRange({ ...read })) {
    const id = ownerOfKey(key);
    const label = labelOfSecret(id);
    if (label === undefined) {
      ofPolicyHost++;
      continue;
    }
    const opened = sealer.open(label, value);
    if (opened.ok) {
      opened.value.fill(0);
      secrets++;
    } else
      report(
        `secret ${id} of ${nameOfZone.get(zoneIdOfKey(key)) ?? 'no zone'}`,
        'does not open with the key-encryption key',
      );
  }
  return { secrets, ofPolicyHost };
}

/**
 * Signatures made here, as of the last commit: those of an old backup, or of a server that was down, have ended since,
 * and are renewed before they are served. Returns of how many owner names they were checked.
 */
export function verifySignatures(reader: StoreReader, { nodes, random, atMs }: SignatureCheck, report: Report): number {
  const signed = reader.zones().filter(isSignedHere);
  const all = signed.reduce((sum, { nodeCount }) => sum + nodeCount, 0);
  const share = nodes === 'all' || all === 0 ? 1 : nodes / all;
  let checked = 0;
  for (const record of signed)
    try {
      checked += verifyZone(
        reader,
        record,
        { nowSeconds: Math.floor(Math.min(atMs, reader.clockHighWaterMs()) / 1000), isChosen: () => random() < share },
        report,
      );
    } catch (error) {
      report(`zone ${record.name}`, messageOf(error));
    }
  return checked;
}

interface ZoneCheck {
  readonly nowSeconds: number;
  readonly isChosen: () => boolean;
}

function verifyZone(
  reader: StoreReader,
  record: ZoneRecord,
  { nowSeconds, isChosen }: ZoneCheck,
  report: Report,
): number {
  const view = reader.view(record);
  const apex = nameOf(record.name);
  const dnskeys = rrsetOf(view.node(view.apexKey), TYPE.DNSKEY)?.rdatas ?? [];
  const unpublished = record.keys.map(({ dnskey }) => new Uint8Array(Buffer.from(dnskey, 'base64')));
  const options: VerifyOptions = { nowSeconds, view, unpublished };
  let checked = 0;
  const check = (nodes: readonly FlaggedNode[], isHashed: boolean): void => {
    checked += nodes.length;
    const plain = nodes.map(({ node }) => node);
    const problems = isHashed
      ? verifyHashed(apex, plain, dnskeys, options)
      : verifyNodes(apex, nodes, dnskeys, options);
    for (const each of problems) report(`zone ${record.name}`, formatProblem(each));
  };
  for (const isHashed of [false, true]) {
    let after: Uint8Array | undefined;
    for (;;) {
      const chosen: FlaggedNode[] = [];
      const from = after;
      const show = (key: Uint8Array, octets: Uint8Array): void => {
        const owner = Buffer.from(key).toString('latin1');
        after = Buffer.from(key);
        const isApex = !isHashed && owner === view.apexKey;
        if (isApex || isChosen()) chosen.push({ node: decodeNode(octets, owner), flags: octets[0]! });
      };
      const count = isHashed
        ? reader.readHashed(record.id, from, BACKUP_BATCH_NODES, show)
        : reader.readNodes(record.id, from, BACKUP_BATCH_NODES, show);
      check(chosen, isHashed);
      if (count < BACKUP_BATCH_NODES) break;
    }
  }
  return checked;
}
