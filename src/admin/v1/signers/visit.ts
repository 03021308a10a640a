/**
 * What the routes share that signers themselves ask. These are the only routes whose answers hold private keys; scope
 * `admin` does not open them.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { assert } from '#base/assert.ts';
import { clientNetwork } from '#base/address.ts';
import { SIGNER_REQUESTS_PER_MINUTE_MAX } from '#base/limits/signers.ts';
import type { SignerVisit } from '#control/api/signers.ts';
import { signerOf } from '#admin/http/access.ts';
import { identityOf, isUnixConnection, originOf } from '#admin/http/identity.ts';

/** Of a route: signers ask as often as they have messages, and rspamd sends its token as to a Vault. */
export const FOR_SIGNERS = {
  access: 'signer',
  tokenHeaders: ['authorization', 'x-vault-token'],
  rateLimit: {
    max: SIGNER_REQUESTS_PER_MINUTE_MAX,
    keyGenerator: (request: FastifyRequest) => `signer ${isUnixConnection(request) ? 'unix' : clientNetwork(request.ip)}`,
  },
} as const;

/** No cache may keep private keys, nor the answer that there are none. */
export function keepFromCaches(reply: FastifyReply): void {
  reply.header('cache-control', 'no-store').header('pragma', 'no-cache');
}

/** Which signer asks, and from where. */
export function visitOf(request: FastifyRequest): SignerVisit {
  const identity = identityOf(request);
  const signer = signerOf(request, identity);
  assert(signer !== undefined, 'a route for signers let a request through without the scope of a signer');
  return { signer, actor: identity.actor, from: originOf(request) };
}
