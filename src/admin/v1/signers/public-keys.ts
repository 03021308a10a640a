/** `/v1/signers/{signer}/public-keys`: the public part of a key that a signer made and keeps. */
import { Type } from 'typebox';
import { ok } from '#base/problem.ts';
import { problemForm } from '#admin/http/problems.ts';
import { ProblemList, closed, signerParams } from '#admin/http/schemas.ts';
import { writeRoute } from '#admin/http/write-route.ts';

export const publicKeysRoutes = [
  writeRoute({
    method: 'POST',
    url: '/v1/signers/:signer/public-keys',
    access: 'admin',
    tag: 'signers',
    summary: 'Publish a key that the signer made',
    description: 'The answer names the selector. The signer may sign with the key when it is active.',
    params: signerParams('mx2'),
    body: closed({ domain: Type.String(), publicKey: Type.String({ maxLength: 16_384, description: 'PEM, or base64 as in "p="' }) }),
    multiline: ['/publicKey'],
    example: { domain: 'example.com', publicKey: 'JNyi81Czeh4PFczQqdFnKeJi6+e3NJPY2pEVvEmgt3s=' },
    answers: {
      200: Type.Object({ domain: Type.String(), selector: Type.Optional(Type.String()), dryRun: Type.Boolean(), warnings: ProblemList }),
    },
    write: async ({ control, params: { signer }, body: { domain, publicKey }, actor, dryRun }) => {
      const added = await control.signers.addPublicKey(signer, domain, publicKey, { actor, dryRun });
      return added.ok ? ok({ ...added.value, dryRun, warnings: added.warnings.map(problemForm) }) : added;
    },
  }),
];
