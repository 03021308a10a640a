/** The mail of zones as signers need it: from the store, and through the same commands as everybody else. */
import { type Result, ok } from '#base/problem.ts';
import { type Name, formatName } from '#dns/name.ts';
import { type StoreWriter } from '#store/writer.ts';
import { type Command, type Outcome, type RunOptions } from '#control/api/control.ts';
import { storedDkimKeys } from '#control/mail/dkim-keys.ts';
import { readDkimState } from '#store/mail/state.ts';
import { type SignerMail } from './signers.ts';
import { storedPolicySigners } from './still-named.ts';

type Run = (command: Command, options: RunOptions) => Promise<Result<Outcome>>;

export function storedSignerMail(writer: StoreWriter, run: Run): SignerMail {
  const objectsOf = (zone: Name) => {
    const record = writer.zoneByName(zone);
    return record === undefined ? [] : (readDkimState(writer, record.id)?.lifecycle.objects ?? []);
  };
  return {
    ...storedDkimKeys(writer),
    ...storedPolicySigners(writer),
    acknowledge: (zone, signer, { selectors, isAll }, options) => run({ kind: 'dkim.ack', zone, signer, selectors, isAll }, options),
    async addKey(zone, signer, publicKey, options) {
      const before = new Set(objectsOf(zone).map(({ id }) => id));
      const added = await run({ kind: 'dkim.add', zone, signer, publicKey }, options);
      if (!added.ok) return added;
      const selector = objectsOf(zone).find(({ id, data }) => data.signer === signer && !before.has(id))?.id;
      return ok({ domain: formatName(zone), ...(selector === undefined ? {} : { selector }) }, added.value.warnings);
    },
  };
}
