/**
 * `/v1/dkim/{domain}`: private keys in the form of a HashiCorp Vault. rspamd 3.4 fetches them so with `use_vault` in
 * dkim_signing: `GET <vault_url>/v1/<vault_path>/<domain>` with X-Vault-Token. `vault_path` is `dkim`, or `dkim/data`
 * for version 2 of Vault's key-value form.
 */
import { Type } from 'typebox';
import { ok } from '#base/problem.ts';
import { readRoute } from '#admin/http/read-route.ts';
import { FOR_SIGNERS, keepFromCaches, visitOf } from './visit.ts';

const RspamdForm = Type.Object({
  selector: Type.String(),
  domain: Type.String(),
  key: Type.String({ description: 'base64 of PKCS #1, or of an Ed25519 seed and public key' }),
  alg: Type.String(),
  valid_start: Type.Integer({ description: 'seconds; rspamd signs with the key from then on' }),
  valid_end: Type.Optional(Type.Integer({ description: 'seconds; rspamd signs with the key before then' })),
});
const SelectorsForm = Type.Object({ selectors: Type.Array(RspamdForm) });

const vaultRoute = (url: string, summary: string, isNested: boolean) =>
  readRoute({
    ...FOR_SIGNERS,
    url,
    tag: 'signers',
    summary,
    description: "For rspamd's dkim_signing with use_vault. rspamd signs with every selector that is valid now.",
    params: { domain: Type.String({ description: 'a domain that the signer signs for', examples: ['example.com'] }) },
    answers: { 200: Type.Object({ data: isNested ? Type.Object({ data: SelectorsForm }) : SelectorsForm }) },
    show: async ({ control, params: { domain }, request, reply }) => {
      keepFromCaches(reply);
      const given = await control.signers.rspamdKeys(visitOf(request), domain);
      if (!given.ok) return given;
      const data = { selectors: given.value };
      return ok({ body: () => ({ data: isNested ? { data } : data }) });
    },
  });

export const vaultRoutes = [
  vaultRoute('/v1/dkim/:domain', 'Fetch private keys as rspamd fetches them from a Vault', false),
  vaultRoute('/v1/dkim/data/:domain', "Fetch the same keys in version 2 of Vault's key-value form", true),
];
