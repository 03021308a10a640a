/**
 * One conversation with a mail host at one address, up to its certificates: greeting, EHLO, STARTTLS, handshake, end.
 * No mail is sent, and no certificate is validated, because TLSA records judge it. Rejects with a ProbeFailure that
 * names the step.
 * Implements: RFC 5321 §4.1.1.1, §4.2 (replies), RFC 3207 §4 (STARTTLS), RFC 7672 §3 (SNI is the TLSA base domain).
 * Not here: addresses (probe-addresses.ts), what the certificates match (mail/dane/match.ts).
 */
import { type Socket, connect, isIPv6 } from 'node:net';
import { PRESENTED_TEXT_CHARACTERS_MAX, STARTTLS_CONNECT_MS_MAX } from '#base/limits/outside.ts';
import { STARTTLS_REPLY_BYTES_MAX } from '#base/limits/outside.ts';
import { showHidden } from '#base/visible.ts';
import { ProbeFailure, type ProbeStep } from './probe-failure.ts';
import { type Presented, connected, handshakeFailure, shakeHands } from './tls-handshake.ts';

export interface StarttlsTarget {
  readonly ip: string;
  readonly port: number;
  /** Name in SNI. */
  readonly host: string;
  /** TLS from the beginning, and no mail host. */
  readonly isTlsAtOnce?: boolean;
  /** The end of the time for all of it. */
  readonly signal: AbortSignal;
}

/** What the host at `ip` presents. Nothing of it is kept open. */
export async function presentedAt({ ip, port, host, isTlsAtOnce, signal }: StarttlsTarget): Promise<Presented> {
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
    const talk = isTlsAtOnce === true ? handshake : converse;
    return await Promise.race([talk(socket, host, steps), ended]);
  } catch (error) {
    throw handshakeFailure(error, steps.step);
  } finally {
    signal.removeEventListener('abort', expire);
    socket.destroy();
  }
}

async function handshake(socket: Socket, host: string, steps: { step: ProbeStep }): Promise<Presented> {
  await connected(socket, STARTTLS_CONNECT_MS_MAX);
  steps.step = 'TLS';
  return shakeHands(socket, host);
}

async function converse(socket: Socket, host: string, steps: { step: ProbeStep }): Promise<Presented> {
  await connected(socket, STARTTLS_CONNECT_MS_MAX);
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
