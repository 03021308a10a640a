/**
 * Where TSIG keys are kept: one sealed document in the store, secrets and grants together, because who can change what
 * a key is good for needs no secret.
 * Not here: who may change it (tsig-keys.ts), who verifies signatures with it (transfer/).
 */
import { StoreFailure } from '#store/failure.ts';
import { atObject } from '#base/place.ts';
import { hasFields, isArrayOf, isString } from '#store/json.ts';
import { type SealLabel } from '#store/seal.ts';
import { type StoreWriter } from '#store/writer.ts';
import { type Decision } from '#control/commands/decision.ts';
import { type TsigKeyInfo } from '#control/api/transfer.ts';
import { type KeyText, TSIG_OPERATIONS, type TsigOperation } from '#transfer/grants.ts';

/** A key with its secret. */
export type TsigKeyRecord = TsigKeyInfo & Pick<KeyText, 'secret'>;

const NO_ZONE = 0;
const ID = 'tsig';
const LABEL: SealLabel = { purpose: 'tsig', id: ID, version: 1 };

export class TsigRegister {
  readonly #writer: StoreWriter;

  constructor(writer: StoreWriter) {
    this.#writer = writer;
  }

  /** By name. Throws StoreFailure when the document does not open, or is not one. */
  records(): readonly TsigKeyRecord[] {
    const sealed = this.#writer.sealedSecret(NO_ZONE, ID);
    if (sealed === undefined) return [];
    const opened = this.#writer.sealer.open(LABEL, sealed);
    const value: unknown = opened.ok ? JSON.parse(Buffer.from(opened.value).toString('utf8')) : undefined;
    if (isDocument(value)) return value.keys;
    const fix = 'check that the key-encryption key is the one of this store, or restore the last backup';
    throw new StoreFailure('STORE_DAMAGED', atObject('TSIG keys'), 'the TSIG keys do not open', fix);
  }

  /** The decision that replaces all of them. */
  replace(keys: readonly TsigKeyRecord[]): Pick<Decision, 'secrets' | 'isChanged'> {
    const sorted = keys.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const value = this.#writer.sealer.seal(LABEL, Buffer.from(JSON.stringify({ version: 1, keys: sorted }), 'utf8'));
    return { secrets: [{ zoneId: NO_ZONE, id: ID, value }], isChanged: true };
  }
}

function isDocument(value: unknown): value is { readonly keys: readonly TsigKeyRecord[] } {
  return hasFields(value, { version: (version) => version === 1, keys: isArrayOf(isKeyRecord) });
}

function isRights(value: unknown): boolean {
  const names = (list: unknown) => list === undefined || isArrayOf(isString)(list);
  return hasFields(value, { names, types: names, ttlMin: 'number?', ttlMax: 'number?' });
}

function isKeyRecord(value: unknown): value is TsigKeyRecord {
  return hasFields(value, {
    name: 'string',
    algorithm: 'string',
    macBytes: 'number',
    secret: 'string',
    operations: isArrayOf((each): each is TsigOperation => TSIG_OPERATIONS.some((known) => known === each)),
    zones: (zones) => zones === 'all' || isArrayOf(isString)(zones),
    update: (update) => update === undefined || isRights(update),
    createdAtMs: 'number',
  });
}
