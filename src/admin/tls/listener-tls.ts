/**
 * TLS of the admin listener: a certificate from files or from the store, looked at again and again, so that a renewed
 * one is shown to the next connection; and certificates of clients, when they are asked for. Without a certificate that
 * can be used no handshake succeeds, the log says why, and the Unix socket works.
 * Implements: RFC 8446 and RFC 5246 with the versions and suites of base/tls/settings.ts.
 * Not here: where the certificate is (files.ts, stored.ts), the listener itself (admin/http/listen.ts).
 */
import { createHash } from 'node:crypto';
import type { Server, ServerOptions } from 'node:https';
import { type SecureContextOptions, createSecureContext } from 'node:tls';
import { ADMIN_TLS_LOOK_MS, HTTP_HEADERS_MS_MAX } from '#base/limits/admin.ts';
import type { Log } from '#base/log.ts';
import { CONTEXT_SETTINGS } from '#base/tls/settings.ts';

/** In PEM. */
export interface Pair {
  readonly cert: string | Buffer;
  readonly key: Buffer;
  /** Roots of clients' certificates; absent: clients show none. */
  readonly ca?: string | Buffer;
}

/** What there is to show now, or why there is nothing. */
export type Found = { readonly pair: Pair } | { readonly why: string };

export interface ListenerTlsOptions {
  readonly find: () => Found;
  /** Clients have to show a certificate. */
  readonly asksClients: boolean;
  readonly log: Pick<Log, 'info' | 'warn'>;
}

export class ListenerTls {
  readonly #options: ListenerTlsOptions;
  #server: Pick<Server, 'setSecureContext'> | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Of the pair that is shown. */
  #shown = '';
  /** Why none is shown, or that one is, as last logged. */
  #reported = '';

  constructor(options: ListenerTlsOptions) {
    this.#options = options;
  }

  /** For `createServer`; a pair is set by `start`. */
  serverOptions(): ServerOptions {
    const { asksClients } = this.#options;
    return {
      ...CONTEXT_SETTINGS,
      handshakeTimeout: HTTP_HEADERS_MS_MAX,
      ALPNProtocols: ['http/1.1'],
      requestCert: asksClients,
      rejectUnauthorized: asksClients,
    };
  }

  /** Shows the certificate at `server` from now on. */
  start(server: Pick<Server, 'setSecureContext'>): void {
    this.#server = server;
    this.look();
    this.#timer = setInterval(() => this.look(), ADMIN_TLS_LOOK_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Takes what is there now, when it is another one. A pair that cannot be used changes nothing. */
  look(): void {
    const found = this.#options.find();
    if ('why' in found) return this.#report(found.why);
    const { pair } = found;
    const digest = digestOf(pair);
    if (digest !== this.#shown) {
      const context: SecureContextOptions = { ...CONTEXT_SETTINGS, ...pair };
      const why = reasonAgainst(context);
      if (why !== undefined) return this.#report(why);
      this.#server?.setSecureContext(context);
      this.#shown = digest;
      this.#reported = '';
    }
    this.#report(undefined);
  }

  /** Each state once. */
  #report(why: string | undefined): void {
    const text = why ?? 'the admin listener shows its certificate';
    if (text === this.#reported) return;
    this.#reported = text;
    const { log } = this.#options;
    if (why === undefined) return log.info('admin.tls-certificate', text);
    const instead =
      this.#shown === '' ? 'no TLS connection succeeds until then; the Unix socket works' : 'the one before is shown';
    log.warn('admin.tls-unusable', `the certificate of the admin listener cannot be used: ${why}; ${instead}`);
  }
}

function digestOf({ cert, key, ca = '' }: Pair): string {
  return [cert, key, ca]
    .reduce((hash, each) => hash.update(`${each.length}:`).update(each), createHash('sha256'))
    .digest('hex');
}

/** What OpenSSL says against it: no PEM, or a key of another certificate. Its text has nothing of the key in it. */
function reasonAgainst(context: SecureContextOptions): string | undefined {
  try {
    createSecureContext(context);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
