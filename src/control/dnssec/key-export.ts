/**
 * The private keys of a zone, for another server: they leave this one sealed to a key that the client has, never in
 * the clear, and the audit log has it before they do.
 * Not here: the seal (dnssec/key-files/sealed-keys.ts), writing files (cli/dnssec-keys.ts).
 */
import { atField, atZone } from '#base/place.ts';
import { type Result, fail, ok, problem } from '#base/problem.ts';
import { formatRdata } from '#dns/registry.ts';
import { TYPE } from '#dns/types.ts';
import { KEY_POLICY } from '#dnssec/key-policy.ts';
import { formatPrivateKey } from '#dnssec/key-files/key-file.ts';
import { sealToKey, sealedAbout } from '#dnssec/key-files/sealed-keys.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type StoreWriter } from '#store/writer.ts';
import { type DnssecKeysApi, type OpenedKey } from '#control/api/dnssec-keys.ts';
import { type Funnel } from '#control/funnel/funnel.ts';
import { keyLabel } from '#control/signing/keys.ts';

export interface KeyExportOptions {
  readonly writer: StoreWriter;
  readonly funnel: Funnel;
  readonly random: (bytes: number) => Uint8Array;
}

export function keyExport({ writer, funnel, random }: KeyExportOptions): DnssecKeysApi {
  return {
    async export({ name }, recipient, { actor, dryRun }) {
      let opened: Result<readonly OpenedKey[]> = ok([]);
      const turn = { actor, action: 'dnssec.export', dryRun };
      const noted = await funnel.change(turn, () => {
        const record = writer.zones().find((each) => each.name === name);
        if (record === undefined || record.keys.length === 0)
          return fail(problem('DNSSEC_OFF', atZone(name), `${name} is not signed: it has no keys`));
        opened = openKeys(writer, record);
        if (!opened.ok) return opened;
        const tags = record.keys.map(({ keyTag }) => keyTag).join(', ');
        const to = Buffer.from(recipient).toString('base64');
        return ok({ zone: name, detail: `private keys ${tags}, sealed to ${to}`, isChanged: true });
      });
      if (!noted.ok) return noted;
      if (!opened.ok) return opened;
      const keys: readonly OpenedKey[] = opened.value;
      const keyTags = keys.map(({ keyTag }) => keyTag);
      try {
        const seal = sealToKey(
          recipient,
          Buffer.from(JSON.stringify({ zone: name, keys })),
          sealedAbout(name, keyTags),
          random,
        );
        return ok({ format: 'waxseal-dnssec-keys', version: 1, zone: name, keyTags, ...seal });
      } catch {
        // RFC 7748 §6.1: a point of small order gives a shared secret that all know; the engine rejects it.
        return fail(problem('FIELD_VALUE', atField('recipient'), 'nothing can be sealed to this public key'));
      }
    },
  };
}

function openKeys(
  writer: StoreWriter,
  { id: zoneId, name, keys, keyPolicy = KEY_POLICY }: ZoneRecord,
): Result<readonly OpenedKey[]> {
  const opened: OpenedKey[] = [];
  for (const { id, role, state, algorithm, flags, keyTag, createdAtMs, dnskey } of keys) {
    const secret = writer.secret(zoneId, keyLabel(id));
    if (secret === undefined)
      return fail(
        problem('STORE_DAMAGED', atZone(name), `the secret of key ${keyTag} is not in the store`, {
          fix: 'restore the last backup',
        }),
      );
    const createdSeconds = Math.floor(createdAtMs / 1000);
    const rdata = formatRdata(TYPE.DNSKEY, new Uint8Array(Buffer.from(dnskey, 'base64')));
    opened.push({
      role,
      state,
      algorithm,
      flags,
      keyTag,
      createdSeconds,
      publicKey: `${name} ${keyPolicy.keyTtlSeconds} IN DNSKEY ${rdata}`,
      privateKey: formatPrivateKey({ algorithm, secret }, createdSeconds),
    });
  }
  return ok(opened);
}
