/**
 * One conversation with a mail host at one address, up to its certificates: greeting, EHLO, STARTTLS, handshake, end.
 * No mail is sent, and no certificate is validated, because TLSA records judge it. Rejects with a ProbeFailure that
 * names the step.
 * Implements: RFC 5321 §4.1.1.1, §4.2 (replies), RFC 3207 §4 (STARTTLS), RFC 7672 §3 (SNI is the TLSA base domain).
 * Not here: addresses (probe-addresses.ts), what the certificates match (mail/dane/match.ts).
 */
import { type Socket, connect, isIPv6 } from 'node:net';
import { type DetailedPeerCertificate, type TLSSocket, connect as connectTls, createSecureContext } from 'node:tls';
import {
  PRESENTED_CERTIFICATES_MAX,
  PRESENTED_TEXT_CHARACTERS_MAX,
  STARTTLS_CONNECT_MS_MAX,
  STARTTLS_HANDSHAKE_BYTES_MAX,
  STARTTLS_REPLY_BYTES_MAX,
} from '#base/limits/outside.ts';
import { showHidden } from '#base/visible.ts';
import { ProbeFailure, type ProbeStep, codeOf, connectFailure, opensslReason } from './probe-failure.ts';

export interface StarttlsTarget {
  readonly ip: string;
  readonly port: number;
  /** Name in SNI. */
  readonly host: string;
  /** The end of the time for all of it. */
  readonly signal: AbortSignal;
}

/** What a host shows in its handshake. */
export interface Presented {
  /** DER, the host's own first, each signed by the next; never more than PRESENTED_CERTIFICATES_MAX. */
  readonly chain: readonly Uint8Array[];
  /** `TLSv1.3` */
  readonly tlsVersion: string;
}

/** No roots: what is not in the handshake must not come from this machine's store into the chain. */
const NO_ROOTS = createSecureContext({ ca: [], minVersion: 'TLSv1.2' });

/** What the host at `ip` presents. Nothing of it is kept open. */
export async function presentedAt({ ip, port, host, signal }: StarttlsTarget): Promise<Presented> {
  const steps: { step: ProbeStep } = { step: 'connect' };
  const socket = connect({ host: ip, port });
  // A connection that fails later than all of this must not end the process.
  socket.on('error', () => {});
  let expire = (): void => {};
  const ended = new Promise<never>((_, reject) => {
    expire = () => reject(new ProbeFailure(steps.step, 'not done in time'));
    if (signal.aborted) expire();
    else signal.addEventListener('abort', expire, { once: true });
  });
  try {
    return await Promise.race([converse(socket, host, steps), ended]);
  } catch (error) {
    throw failureOf(error, steps.step);
  } finally {
    signal.removeEventListener('abort', expire);
    socket.destroy();
  }
}

async function converse(socket: Socket, host: string, steps: { step: ProbeStep }): Promise<Presented> {
  await connected(socket);
  steps.step = 'SMTP';
  const replies = new Replies(socket);
  await replies.expect(220, 'the greeting');
  const { localAddress = '' } = socket;
  // RFC 5321 §4.1.3: a client without a name of its own says its address.
  const name = isIPv6(localAddress) ? `[IPv6:${localAddress}]` : `[${localAddress}]`;
  const [, ...features] = await replies.expect(250, 'EHLO', `EHLO ${name}`);
  steps.step = 'STARTTLS';
  const isOffered = features.some((line) => line.trim().toUpperCase() === 'STARTTLS');
  if (!isOffered) throw new ProbeFailure('STARTTLS', 'it is not offered');
  await replies.expect(220, 'STARTTLS', 'STARTTLS');
  // RFC 3207 §6: what was said before TLS could be from anyone on the way.
  const isInjected = replies.close() > 0;
  if (isInjected) throw new ProbeFailure('STARTTLS', 'the host says more after its reply to STARTTLS and before TLS');
  steps.step = 'TLS';
  return shakeHands(socket, host);
}

function connected(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    const slow = setTimeout(
      () => reject(new ProbeFailure('connect', `no answer within ${STARTTLS_CONNECT_MS_MAX / 1000} s`)),
      STARTTLS_CONNECT_MS_MAX,
    );
    socket.once('close', () => clearTimeout(slow));
    socket.once('error', (error) => reject(connectFailure(error)));
    socket.once('connect', () => {
      clearTimeout(slow);
      resolve();
    });
  });
}

/** Replies of the host, one to each command. */
class Replies {
  readonly #socket: Socket;
  #text = '';
  #bytes = 0;
  #failure: ProbeFailure | undefined;
  #wake: () => void = () => {};
  readonly #take = (octets: Buffer): void => {
    this.#bytes += octets.length;
    if (this.#bytes > STARTTLS_REPLY_BYTES_MAX) this.#fail(`more than ${STARTTLS_REPLY_BYTES_MAX} octets before TLS`);
    else this.#text += octets.toString('latin1');
    this.#wake();
  };
  readonly #end = (): void => {
    this.#fail('the host broke off');
    this.#wake();
  };

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', this.#take).on('close', this.#end).on('end', this.#end);
  }

  /** Says `command` and waits for a reply with `code`; its lines without code. */
  async expect(code: number, what: string, command?: string): Promise<readonly string[]> {
    if (command !== undefined) this.#socket.write(`${command}\r\n`);
    for (;;) {
      const reply = this.#reply();
      if (reply !== undefined && reply.code === code) return reply.lines;
      if (reply !== undefined) {
        const text = `${reply.code} ${reply.lines.join(' / ')}`.slice(0, PRESENTED_TEXT_CHARACTERS_MAX);
        throw new ProbeFailure('SMTP', `${what}: the host replies ${showHidden(text)}`);
      }
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** Stops listening; how many octets were not asked for. */
  close(): number {
    this.#socket.off('data', this.#take).off('close', this.#end).off('end', this.#end);
    this.#socket.pause();
    return this.#text.length;
  }

  #fail(why: string): void {
    this.#failure ??= new ProbeFailure('SMTP', why);
  }

  /** The first whole reply, taken out of what has come (RFC 5321 §4.2.1). */
  #reply(): { readonly code: number; readonly lines: readonly string[] } | undefined {
    const lines: string[] = [];
    let at = 0;
    for (;;) {
      const end = this.#text.indexOf('\n', at);
      if (end < 0) return undefined;
      const line = this.#text.slice(at, end).replace(/\r$/, '');
      at = end + 1;
      const [, code, separator, rest = ''] = /^([0-9]{3})(?:([ -])(.*))?$/s.exec(line) ?? [];
      if (code === undefined)
        throw new ProbeFailure(
          'SMTP',
          `${JSON.stringify(showHidden(line.slice(0, PRESENTED_TEXT_CHARACTERS_MAX)))} is no reply of a mail server`,
        );
      lines.push(rest);
      if (separator === '-') continue;
      this.#text = this.#text.slice(at);
      return { code: Number(code), lines };
    }
  }
}

function shakeHands(socket: Socket, host: string): Promise<Presented> {
  return new Promise((resolve, reject) => {
    const before = socket.bytesRead;
    // RFC 7672 §3: SNI is the TLSA base domain. RFC 7671 §5.1: the TLSA records alone judge, elsewhere.
    const secure = connectTls({ socket, servername: host, secureContext: NO_ROOTS, rejectUnauthorized: false });
    const watch = setInterval(() => {
      const isTooLong = socket.bytesRead - before > STARTTLS_HANDSHAKE_BYTES_MAX;
      if (isTooLong) end(new ProbeFailure('TLS', 'the handshake has too many octets'));
    }, 50);
    const end = (outcome: Presented | Error): void => {
      clearInterval(watch);
      if (outcome instanceof Error) reject(outcome);
      else resolve(outcome);
      secure.destroy();
    };
    secure.once('error', end);
    secure.once('close', () => end(new ProbeFailure('TLS', 'the host broke off')));
    secure.once('secureConnect', () => {
      const chain = chainOf(secure);
      const tlsVersion = secure.getProtocol() ?? 'unknown';
      // RFC 3207 §4: the session ends without a word of mail; QUIT is a courtesy that nothing waits for.
      end(chain.length === 0 ? new ProbeFailure('TLS', 'the host presents no certificate') : { chain, tlsVersion });
    });
  });
}

/** Of a host without a certificate there is none of this. */
type Linked = Partial<Pick<DetailedPeerCertificate, 'raw' | 'issuerCertificate'>>;

/** The certificates of the handshake from the host's own up, as far as each is issued by the next. */
function chainOf(socket: TLSSocket): Uint8Array[] {
  const chain: Uint8Array[] = [];
  let next: Linked | undefined = socket.getPeerCertificate(true);
  while (next?.raw !== undefined && chain.length < PRESENTED_CERTIFICATES_MAX) {
    chain.push(new Uint8Array(next.raw));
    const issuer: Linked | undefined = next.issuerCertificate;
    // The last one is its own issuer.
    next = issuer === next ? undefined : issuer;
  }
  return chain;
}

function failureOf(error: unknown, step: ProbeStep): ProbeFailure {
  if (error instanceof ProbeFailure) return error;
  if (!(error instanceof Error)) return new ProbeFailure(step, String(error));
  const code = codeOf(error);
  if (code === 'ECONNRESET' || code === 'EPIPE') return new ProbeFailure(step, 'the host broke off');
  const reason = opensslReason(error);
  return new ProbeFailure(step, code === '' ? reason : `${reason} (${code})`);
}
