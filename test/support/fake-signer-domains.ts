/** Domains of a signer: one with keys before, now and of both algorithms, and one without any. */
import { type DomainKeys } from '#control/signers/export-files.ts';
import { signerKey } from './fake-signer-keys.ts';

export const DOMAINS: readonly DomainKeys[] = [
  {
    domain: 'post.example',
    keys: [signerKey('r1', 'retiring'), signerKey('r2', 'active'), signerKey('e2', 'active', 0, 'ed25519-sha256')],
    signing: ['r2', 'e2'],
  },
  { domain: 'none.example', keys: [], signing: [] },
];
