/**
 * What this server's own policy host shows to a client that asks for a host: its certificates in a real handshake, at
 * the first of its addresses that takes one. An edge: every failure is a ProbeFailure.
 * Not here: what should be shown (lifecycle/expectation.ts), what senders outside see (file-probes.ts).
 */
import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { parseIpPort } from '#base/address.ts';
import { OWN_HOST_CONNECT_MS_MAX, OWN_HOST_LOOK_MS_MAX, OWN_HOST_POLL_MS } from '#base/limits/outside.ts';
import { type CertificateExpectation } from '#lifecycle/expectation.ts';
import { formatTime } from '#lifecycle/timeline.ts';
import { describeCertificate } from '#mail/dane/match.ts';
import { ProbeFailure } from './probe-failure.ts';
import { type Presented, connected, handshakeFailure, shakeHands } from './tls-handshake.ts';

/** What the look is called in evidence. */
export const OWN_HOST = 'the policy host here';

/** Looks at a host by its name without the last dot. Rejects with a ProbeFailure. */
export type OwnHostLook = (host: string) => Promise<SeenHost>;

export interface SeenHost extends Pick<Presented, 'chain'> {
  /** `ADDR:PORT` */
  readonly at: string;
}

export interface OwnHostOptions {
  /** `ADDR:PORT` of those that it listens on now. */
  readonly addresses: () => readonly string[];
  /** It serves what is in the store now. */
  readonly isServed: () => boolean;
}

/** A listener on all addresses is reached on the loopback one of its family. */
const LOOPBACK: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/** Where this machine reaches a listener of its own. */
export function reachableIp(ip: string): string {
  return LOOPBACK[ip] ?? ip;
}

export function ownHostLook({ addresses, isServed }: OwnHostOptions): OwnHostLook {
  return async (host) => {
    // A moment after a commit it still serves what was before.
    const isLate = () => addresses().length > 0 && !isServed();
    const tries = OWN_HOST_LOOK_MS_MAX / OWN_HOST_POLL_MS;
    for (let at = 0; at < tries && isLate(); at++) await delay(OWN_HOST_POLL_MS);
    let failure = new ProbeFailure('connect', 'the policy host is not running, or listens nowhere');
    for (const at of addresses()) {
      try {
        return await lookAt(at, host);
      } catch (error) {
        failure = handshakeFailure(error, 'TLS');
      }
    }
    throw failure;
  };
}

async function lookAt(at: string, host: string): Promise<SeenHost> {
  const address = parseIpPort(at);
  if (!address.ok) throw new ProbeFailure('connect', `${at} is no address`);
  const { ip, port } = address.value;
  const socket = connect({ host: reachableIp(ip), port });
  const slow = setTimeout(() => socket.destroy(), OWN_HOST_LOOK_MS_MAX);
  socket.on('error', () => {});
  try {
    await connected(socket, OWN_HOST_CONNECT_MS_MAX);
    return { at, chain: (await shakeHands(socket, host)).chain };
  } finally {
    clearTimeout(slow);
    socket.destroy();
  }
}

/** SHA-256 of each DER certificate, hexadecimal. */
export function fingerprints(chain: readonly Uint8Array[]): string[] {
  return chain.map((der) => createHash('sha256').update(der).digest('hex'));
}

/**
 * Whether the whole chain is what was installed; its first certificate stands for the key, which the handshake proves.
 */
export function judgeServed({ chain }: CertificateExpectation, seen: SeenHost): { isGood: boolean; text: string } {
  const served = fingerprints(seen.chain);
  if (served.length === chain.length && served.every((each, at) => each === chain[at]))
    return { isGood: true, text: `served at ${seen.at}` };
  if (served[0] === chain[0]) return { isGood: false, text: `${seen.at} serves it with another chain of issuers` };
  const [own] = seen.chain;
  const facts = own === undefined ? undefined : describeCertificate(own);
  if (facts === undefined) return { isGood: false, text: `${seen.at} serves another certificate` };
  const until = formatTime(facts.notAfterMs);
  return { isGood: false, text: `${seen.at} serves another certificate, until ${until}, key ${facts.spkiSha256}` };
}
