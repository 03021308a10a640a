/**
 * The files of a signer that reads its keys from a folder, as text by path. Pure.
 *
 *   opendkim   KeyTable, SigningTable (refile), keys/<domain>/<selector>.pem    RSA only: OpenDKIM has one algorithm for all signatures
 *   exim       selectors (lsearch), keys/<domain>/<selector>.pem                RSA and Ed25519
 *   haraka     dkim/<domain>/private, dkim/<domain>/selector                    RSA only: one key for a domain
 *
 * Keys that signed until now stay beside the new ones for as long as they are published: a signer that has read its table before, and
 * opens the key after, finds it. Tables name the folder through its link `current`, which changes last.
 * Not here: writing them (export-folder.ts).
 */
import { join, sep } from 'node:path';
import { assert } from '#base/assert.ts';
import { type DkimSigningKey } from '#control/mail/dkim-keys.ts';
import { type SignerFiles } from '#control/api/signers.ts';

/** Name of the link to the files in use. */
export const CURRENT = 'current';

/** A domain's keys, and the selectors among them that sign now. */
export interface DomainKeys {
  /** Without its last dot; a host name. */
  readonly domain: string;
  readonly keys: readonly DkimSigningKey[];
  readonly signing: readonly string[];
}

const SELECTOR = /^[a-z0-9]+$/;
const DOMAIN = /^[a-z0-9_.-]+$/;

/** Does the form take this algorithm? */
export function takesAlgorithm(form: SignerFiles['form'], algorithm: string): boolean {
  return form === 'exim' || algorithm === 'rsa-sha256';
}

/** What the files depend on, without a private key: equal texts are equal files. */
export function describeFiles({ form, folder }: SignerFiles, domains: readonly DomainKeys[]): string {
  const parts = domains.map(({ domain, keys, signing }) => [
    domain,
    keys
      .filter(({ algorithm }) => takesAlgorithm(form, algorithm))
      .map(({ selector, publicKey }) => [selector, publicKey, signing.includes(selector)]),
  ]);
  return JSON.stringify([form, folder, parts]);
}

/** Text by path below the version's folder. Opens every private key. */
export function signerFiles({ form, folder }: SignerFiles, domains: readonly DomainKeys[]): ReadonlyMap<string, string> {
  const usable = domains.map(({ domain, keys, signing }) => {
    const taken = keys.filter(({ algorithm }) => takesAlgorithm(form, algorithm));
    assert(DOMAIN.test(domain) && taken.every(({ selector }) => SELECTOR.test(selector)), `${domain} cannot be a folder`);
    return { domain, keys: taken, signing: taken.filter(({ selector }) => signing.includes(selector)) };
  });
  if (form === 'haraka') return harakaFiles(usable);
  const files = new Map<string, string>();
  for (const { domain, keys } of usable) for (const key of keys) files.set(keyPath(domain, key.selector), key.privateKeyPem());
  if (form === 'exim') {
    const lines = usable.filter(({ signing }) => signing.length > 0);
    return files.set(
      'selectors',
      lines.map(({ domain, signing }) => `${domain}: ${signing.map(({ selector }) => selector).join(':')}\n`).join(''),
    );
  }
  const signed = usable.flatMap(({ domain, signing }) =>
    signing.map(({ selector }) => ({ domain, selector, id: `${selector}._domainkey.${domain}` })),
  );
  const place = (domain: string, selector: string) => join(folder, CURRENT, keyPath(domain, selector));
  return files
    .set('KeyTable', signed.map(({ id, domain, selector }) => `${id} ${domain}:${selector}:${place(domain, selector)}\n`).join(''))
    .set('SigningTable', signed.map(({ id, domain }) => `*@${domain} ${id}\n`).join(''));
}

function keyPath(domain: string, selector: string): string {
  return `keys/${domain}/${selector}.pem`;
}

function harakaFiles(
  domains: readonly { readonly domain: string; readonly signing: readonly DkimSigningKey[] }[],
): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const { domain, signing } of domains) {
    const key = signing.at(-1);
    if (key === undefined) continue;
    files.set(`dkim/${domain}/private`, key.privateKeyPem());
    files.set(`dkim/${domain}/selector`, `${key.selector}\n`);
  }
  return files;
}

/** True when one of the folders is the other, or lies in it. Both absolute and plain. */
export function foldersOverlap(a: string, b: string): boolean {
  const isWithin = (inner: string, outer: string) => inner === outer || inner.startsWith(outer.endsWith(sep) ? outer : outer + sep);
  return isWithin(a, b) || isWithin(b, a);
}
