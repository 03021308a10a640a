/**
 * The client's address behind a proxy: X-Forwarded-For is believed from the networks of configured proxies only, from
 * the right. Each proxy has added the address of its client; what stands before the first address that is none of our
 * proxies is the client's own word.
 * Implements: RFC 7239 §8.1 (what a forwarded address is worth), for the older header that every proxy writes.
 */
import { isIP } from 'node:net';
import { FORWARDED_ADDRESSES_MAX } from '#base/limits/admin.ts';
import { isAddressIn } from '#base/network.ts';
import { inHeader } from '#base/place.ts';
import { problem } from '#base/problem.ts';
import type { AdminApp } from '#admin/http/admin-app.ts';
import { isUnixConnection } from '#admin/http/identity.ts';
import { sendProblems } from '#admin/http/problems.ts';

/** For Fastify's `trustProxy`: whether the address is that of a proxy in one of `networks`. */
export function proxyTest(networks: readonly string[]): (address: string | undefined) => boolean {
  return (address) => address !== undefined && isAddressIn(address, networks);
}

/**
 * Rejects what a proxy sends that is no list of addresses: whose request it is would not be known. Call before any
 * other hook.
 */
export function checkForwarded(app: AdminApp, isProxy: (address: string | undefined) => boolean): void {
  app.addHook('onRequest', async (request, reply) => {
    const { 'x-forwarded-for': header } = request.headers;
    if (header === undefined || isUnixConnection(request) || !isProxy(request.raw.socket.remoteAddress)) return;
    const why = reasonAgainst(String(header));
    if (why === undefined) return;
    await sendProblems(reply, [
      problem('REQUEST', inHeader('X-Forwarded-For'), `the proxy does not say whose request this is: ${why}`, {
        fix: 'have the proxy add its client without a port: in nginx $proxy_add_x_forwarded_for',
      }),
    ]);
  });
}

function reasonAgainst(header: string): string | undefined {
  const addresses = header.split(',').map((each) => each.trim());
  if (addresses.length > FORWARDED_ADDRESSES_MAX) return `more than ${FORWARDED_ADDRESSES_MAX} addresses`;
  const odd = addresses.find((each) => isIP(each) === 0);
  return odd === undefined ? undefined : `${JSON.stringify(odd.slice(0, 100))} is no address`;
}
