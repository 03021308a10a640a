/**
 * Requests for a host that this server is not: a web page whose name points at this machine by then (DNS rebinding)
 * reads what a browser there may read. Such a page has a name with a dot in it. So addresses and names without a dot
 * pass, and other names are configured.
 * Implements: RFC 9110 §7.4 (rejecting misdirected requests), §15.5.20 (421).
 */
import { isIP } from 'node:net';
import { inHeader } from '#base/place.ts';
import { problem } from '#base/problem.ts';
import type { AdminApp } from '#admin/http/admin-app.ts';
import { isUnixConnection } from '#admin/http/identity.ts';
import { sendProblems } from '#admin/http/problems.ts';
import { authorityOf } from './strict-requests.ts';

/** Puts the hook on the app. `names` in lower case, without a last dot. Call before any other hook answers. */
export function rejectOtherHosts(app: AdminApp, names: readonly string[]): void {
  app.addHook('onRequest', async (request, reply) => {
    // RFC 9112 §3.2.2: where the URL names a host, that is the one that is meant, whatever the header says.
    const hosts = [authorityOf(request.originalUrl), request.headers.host].filter((each) => each !== undefined);
    const host = hosts.find((each) => !isKnownHost(each, names));
    if (host === undefined || isUnixConnection(request)) return;
    await sendProblems(reply, [
      problem('HOST_UNKNOWN', inHeader('Host'), `this server is not known as ${JSON.stringify(host.slice(0, 255))}`, {
        rfc: 'RFC 9110 §7.4',
        fix: 'add the name to admin.hosts in the configuration, or use the address',
      }),
    ]);
  });
}

/** Whether a Host header (RFC 9110 §7.2) is for an address, a name without a dot, or one of `names`. */
export function isKnownHost(header: string, names: readonly string[]): boolean {
  const [, six, host = ''] = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::[0-9]*)?$/.exec(header.trim()) ?? [];
  if (six !== undefined) return isIP(six) === 6;
  const name = host.toLowerCase().replace(/\.$/, '');
  if (name === '') return false;
  return isIP(name) === 4 || !name.includes('.') || name.endsWith('.localhost') || names.includes(name);
}
