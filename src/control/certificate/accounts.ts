/**
 * Our accounts with CAs: made once for each directory, the key stored before the CA hears of it.
 * Implements: RFC 8555 §7.3 (new accounts), §7.3.1 (an account is found again by its key), §7.3.4 (external account
 * binding).
 * Not here: where they are kept (store/tls/acme-account.ts), requests (acme-client.ts).
 */
import { type KeyObject, createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { atPath } from '#base/place.ts';
import { type Problem, ok, problem } from '#base/problem.ts';
import { externalBinding } from '#certificate/jws.ts';
import { type AcmeDirectory, readUrl } from '#certificate/messages.ts';
import { makeCertificateKey } from '#certificate/x509.ts';
import { type AcmeSettings } from '#config/acme.ts';
import { type AcmeAccount } from '#store/tls/acme-account.ts';
import { acmeAccountKeyWrite, acmeAccountWrite, openAcmeAccountKey, readAcmeAccount } from '#store/tls/acme-account.ts';
import { type SecretWrite, type StoreWriter } from '#store/writer.ts';
import { type Actor } from '#control/api/control.ts';
import { type Funnel } from '#control/funnel/funnel.ts';
import { type AcmeClient, type AcmeOutcome, failed, silent } from './acme-client.ts';

/** An account that can order. */
export interface Account {
  readonly key: KeyObject;
  readonly accountUrl: string;
}

export interface AccountsOptions {
  readonly writer: StoreWriter;
  readonly funnel: Pick<Funnel, 'change'>;
  readonly client: AcmeClient;
  readonly settings: AcmeSettings;
}

type Secrets = readonly SecretWrite[];

const ACTOR: Actor = { kind: 'system', id: 'certificate', from: '' };

export class Accounts {
  readonly #options: AccountsOptions;
  /** Under way, by directory: orders of many hosts at once make one account. */
  readonly #making = new Map<string, Promise<AcmeOutcome<Account>>>();

  constructor(options: AccountsOptions) {
    this.#options = options;
  }

  /** The URL of our account, if there is one. */
  urlOf(directory: string): string | undefined {
    return readAcmeAccount(this.#options.writer, directory)?.url;
  }

  /** Our account with the CA, made when there is none. */
  account(directory: AcmeDirectory): Promise<AcmeOutcome<Account>> {
    const { url } = directory;
    const running = this.#making.get(url);
    if (running !== undefined) return running;
    const making = this.#find(directory).finally(() => this.#making.delete(url));
    this.#making.set(url, making);
    return making;
  }

  /** The CA does not know the account any more: the next order makes it again, with its key. */
  async forget(directory: string): Promise<void> {
    await this.#store({ directory }, `account with ${directory} is unknown there`);
  }

  async #find(directory: AcmeDirectory): Promise<AcmeOutcome<Account>> {
    const { writer } = this.#options;
    const known = readAcmeAccount(writer, directory.url);
    const der = openAcmeAccountKey(writer, directory.url);
    if (known === undefined || der === undefined) {
      const made = await this.#makeKey(directory.url);
      return made.ok ? this.#register(directory, made.value) : made;
    }
    const key = readKey(der);
    if (known.url === undefined) return this.#register(directory, key);
    return { ok: true, value: { key, accountUrl: known.url } };
  }

  async #makeKey(directory: string): Promise<AcmeOutcome<KeyObject>> {
    const { writer } = this.#options;
    const key = await makeCertificateKey('ecdsa-p256');
    const der = key.export({ type: 'pkcs8', format: 'der' });
    const sealed = acmeAccountKeyWrite(writer.sealer, directory, der);
    der.fill(0);
    const stored = await this.#store({ directory }, `key of an account with ${directory}`, [sealed]);
    return stored === undefined ? { ok: true, value: key } : { ok: false, problem: stored, what: 'again' };
  }

  async #register(directory: AcmeDirectory, key: KeyObject): Promise<AcmeOutcome<Account>> {
    const { client, settings } = this.#options;
    const { contacts, isTermsAgreed, externalAccount } = settings;
    const { newAccount, url } = directory;
    const mac = externalAccount === undefined ? undefined : readMacKey(externalAccount.keyFile);
    if (mac !== undefined && !(mac instanceof Uint8Array)) return { ok: false, problem: mac, what: 'again' };
    if (mac === undefined && directory.isExternalAccountRequired)
      return failed('ACME_REJECTED', url, 'the CA wants acme.account_key_id', { what: 'rejected' });
    const binding = mac && externalBinding(key, newAccount, externalAccount!.keyId, mac);
    const answer = await client.post(directory, { key }, newAccount, {
      termsOfServiceAgreed: isTermsAgreed,
      contact: contacts,
      ...(binding === undefined ? {} : { externalAccountBinding: binding }),
    });
    if (!answer.ok) return answer;
    const accountUrl = readUrl(answer.value.reply.location, url);
    if (accountUrl === undefined) return silent(newAccount, 'the CA gives the account no URL on the same server');
    const bound = externalAccount === undefined ? {} : { externalKeyId: externalAccount.keyId };
    const stored = await this.#store({ directory: url, url: accountUrl, ...bound }, `account ${accountUrl}`);
    if (stored !== undefined) return { ok: false, problem: stored, what: 'again' };
    return { ok: true, value: { key, accountUrl } };
  }

  /** Why it could not be stored. */
  async #store(account: AcmeAccount, detail: string, secrets: Secrets = []): Promise<Problem | undefined> {
    const turn = { actor: ACTOR, action: 'certificate.account', upkeep: true };
    const done = await this.#options.funnel.change(turn, () =>
      ok({
        documents: [acmeAccountWrite(account)],
        secrets,
        detail,
        isChanged: true,
      }),
    );
    return done.ok ? undefined : done.problems[0];
  }
}

function readKey(der: Uint8Array): KeyObject {
  const octets = Buffer.from(der.buffer, der.byteOffset, der.length);
  const key = createPrivateKey({ key: octets, format: 'der', type: 'pkcs8' });
  octets.fill(0);
  return key;
}

/** RFC 8555 §7.3.4: the MAC key as the CA gives it, in base64url. */
function readMacKey(file: string): Uint8Array | Problem {
  const unusable = (why: string) =>
    problem('ACME_REJECTED', atPath(file, 'the file of acme.account_key_file'), `the key of the account: ${why}`, {
      fix: 'put the MAC key that the CA gives out into the file, in base64url',
    });
  try {
    const text = readFileSync(file, 'utf8').trim();
    return /^[A-Za-z0-9_-]{16,}=*$/.test(text) ? Buffer.from(text, 'base64url') : unusable('the file is not base64url');
  } catch (error) {
    return unusable(error instanceof Error ? error.message : String(error));
  }
}
