/**
 * `https://localhost/healthz`: for a monitor on the same machine. Only a client on the loopback interface gets a
 * certificate for `localhost`, made at each start, that no CA signs (`curl -k`): outside, the name does not exist.
 * Not here: the health of the server as a whole (admin/v1/health.ts).
 */
import { type SecureContext, createSecureContext } from 'node:tls';
import { SELF_SIGNED_DAYS } from '#base/limits/https.ts';
import { DAY_MS } from '#base/units.ts';
import { makeCertificateKey, selfSignedCertificate, toPem } from '#certificate/x509.ts';
import { type HostedAnswer, type HostedSource } from './hosted.ts';
import { CONTEXT_SETTINGS } from '#base/tls/settings.ts';

export const HEALTH_HOST = 'localhost';
const HEALTH_PATH = '/healthz';

const HEADERS = { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' };
const answer = (status: number, text: string): HostedAnswer => ({ status, headers: HEADERS, body: Buffer.from(text) });
const HEALTHY = answer(200, 'ok\n');

/** A policy host whose store cannot be read has ended, and answers nothing. */
export function healthPage(): HostedSource {
  return { find: (host, path) => (host === HEALTH_HOST && path === HEALTH_PATH ? { get: HEALTHY } : undefined) };
}

/** True for addresses of the loopback interface, as node writes them. */
export function isLoopback(client: string | undefined): boolean {
  return client !== undefined && (client === '::1' || /^(?:::ffff:)?127\./.test(client));
}

export async function healthContext(random: (bytes: number) => Uint8Array, nowMs: number): Promise<SecureContext> {
  const privateKey = await makeCertificateKey('ecdsa-p256');
  const [notBeforeMs, notAfterMs] = [nowMs - DAY_MS, nowMs + SELF_SIGNED_DAYS * DAY_MS];
  const der = selfSignedCertificate({ hosts: [HEALTH_HOST], privateKey, notBeforeMs, notAfterMs, random });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' });
  return createSecureContext({ ...CONTEXT_SETTINGS, cert: toPem('CERTIFICATE', der), key });
}
