/**
 * Keeps the secrets of server cookies for all workers of the answer process: given ones, or random and changed every
 * COOKIE_ROTATE_MS.
 * They outlive workers; random ones end with the process, and clients then learn new cookies without noticing.
 * Implements: RFC 7873 §7.1 (lifetime of a secret), RFC 9018 §5 (the other secret's cookies are taken too).
 * Not here: the files of given ones (process/cookie-files.ts).
 */
import { CookieSecrets, COOKIE_SECRET_BYTES, parseCookieSecret } from '#answer/defence/cookie-secrets.ts';
import { assert } from '#base/assert.ts';
import { type CookieSecretTexts, type CookieSource } from '#base/ipc/messages.ts';
import { COOKIE_ROTATE_MS } from '#base/limits/answer.ts';

export interface CookieKeeperOptions {
  readonly source: CookieSource;
  readonly random: (bytes: number) => Uint8Array;
  readonly rotateMs?: number;
}

export class CookieKeeper {
  readonly secrets = new CookieSecrets();
  readonly #options: CookieKeeperOptions;
  #current: Uint8Array;
  #rotation: NodeJS.Timeout | undefined;

  constructor(options: CookieKeeperOptions) {
    this.#options = options;
    this.#current = options.random(COOKIE_SECRET_BYTES);
    this.secrets.set(this.#current);
    const { secrets } = options.source;
    if (secrets === undefined) {
      this.#rotation = setInterval(() => this.#rotate(), options.rotateMs ?? COOKIE_ROTATE_MS);
      this.#rotation.unref();
    } else this.take(secrets);
  }

  /** From now on these. Only of a source with secrets. */
  take(secrets: CookieSecretTexts): void {
    const [current, other] = secrets.map((text) => parseCookieSecret(text ?? ''));
    assert(this.#rotation === undefined && current !== undefined, 'cookie secrets that were not checked');
    this.secrets.set(current, other);
  }

  stop(): void {
    clearInterval(this.#rotation);
    this.#rotation = undefined;
  }

  #rotate(): void {
    const before = this.#current;
    this.#current = this.#options.random(COOKIE_SECRET_BYTES);
    this.secrets.set(this.#current, before);
  }
}
