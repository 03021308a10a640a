/**
 * Where the records of mail signers are kept: one sealed document in the store. What it says decides who is given
 * private keys and which command runs, so a change of it on the disk must not open.
 * Not here: who may change it, and what for (signers.ts).
 */
import { equalBytes } from '#base/bytes.ts';
import { atObject } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem } from '#base/problem.ts';
import { StoreFailure } from '#store/failure.ts';
import { hasFields, isArrayOf } from '#store/json.ts';
import { type TokenRecord } from '#store/schema.ts';
import { type SealLabel } from '#store/seal.ts';
import { type StoreWriter } from '#store/writer.ts';
import { type Decision } from '#control/commands/decision.ts';
import { type SignerRecord } from '#control/api/signers.ts';
import { isSignerRecord, scopeOf } from './record.ts';

interface Document {
  readonly version: 1;
  readonly signers: readonly SignerRecord[];
}

function isDocument(value: unknown): value is Document {
  return hasFields(value, { version: (version) => version === 1, signers: isArrayOf(isSignerRecord) });
}

/** Ids of the tokens that open the signer's keys. */
export function tokensOf(signer: string, tokens: readonly Pick<TokenRecord, 'id' | 'scopes'>[]): string[] {
  return tokens.filter(({ scopes }) => scopes.includes(scopeOf(signer))).map(({ id }) => id);
}

const NO_ZONE = 0;
const ID = 'signers';
const NOTHING = new Uint8Array(0);
const LABEL: SealLabel = { purpose: 'signers', id: ID, version: 1 };

/** What was read last, and from what. */
interface Known {
  readonly generation: number;
  readonly sealed: Uint8Array | undefined;
  readonly records: readonly SignerRecord[];
}

export class SignerRegister {
  readonly #writer: StoreWriter;
  #known: Known | undefined;

  constructor(writer: StoreWriter) {
    this.#writer = writer;
  }

  /**
   * By name, as the store has them now; opened again only when they changed. Throws StoreFailure when the document
   * does not open, or is not one.
   */
  records(): readonly SignerRecord[] {
    const generation = this.#writer.generation();
    if (this.#known?.generation === generation) return this.#known.records;
    const sealed = this.#writer.sealedSecret(NO_ZONE, ID);
    const isSame = this.#known !== undefined && equalBytes(sealed ?? NOTHING, this.#known.sealed ?? NOTHING);
    const records = isSame ? this.#known!.records : this.#read();
    this.#known = { generation, sealed, records };
    return records;
  }

  find(name: string): SignerRecord | undefined {
    return this.records().find((each) => each.name === name);
  }

  notFound(name: string): Problem {
    const names = this.records().map((each) => each.name);
    const fix = names.length === 0 ? 'register it: waxseal dkim signer add' : `there are: ${names.join(', ')}`;
    return problem('SIGNER_NOT_FOUND', atObject(name), `there is no signer ${JSON.stringify(name)}`, { fix });
  }

  /** The decision that replaces all records. */
  replace(signers: readonly SignerRecord[]): Pick<Decision, 'secrets' | 'isChanged'> {
    const document = JSON.stringify({ version: 1, signers } satisfies Document);
    const value = this.#writer.sealer.seal(LABEL, Buffer.from(document, 'utf8'));
    return { secrets: [{ zoneId: NO_ZONE, id: ID, value }], isChanged: true };
  }

  /** The decision that takes the signer out, with its tokens. */
  remove(name: string): Result<Pick<Decision, 'secrets' | 'tokens' | 'isChanged'> & { readonly detail: string }> {
    if (this.find(name) === undefined) return fail(this.notFound(name));
    const tokens = tokensOf(name, this.#writer.tokens());
    const others = this.records().filter((each) => each.name !== name);
    return ok({
      ...this.replace(others),
      tokens: { remove: tokens },
      detail: `signer ${name} and its ${tokens.length} tokens`,
    });
  }

  #read(): readonly SignerRecord[] {
    const opened = this.#writer.secret(NO_ZONE, LABEL);
    if (opened === undefined) return [];
    const document: unknown = JSON.parse(Buffer.from(opened).toString('utf8'));
    if (!isDocument(document))
      throw new StoreFailure(
        'STORE_DAMAGED',
        atObject(ID),
        'the register of mail signers does not have its form',
        'restore the last backup',
      );
    return document.signers;
  }
}
