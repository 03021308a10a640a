/** DKIM keys in the hands of a test: real private keys, whatever stage and times one likes. */
import { type KeyObject, generateKeyPairSync } from 'node:crypto';
import { type DkimSigningKey } from '#control/mail/dkim-keys.ts';

const made = new Map<string, { readonly publicKey: KeyObject; readonly privateKey: KeyObject }>();

/** Of one algorithm all keys are the same two numbers: making RSA keys is slow. */
function pairOf(algorithm: DkimSigningKey['algorithm']) {
  let pair = made.get(algorithm);
  if (pair === undefined) {
    pair = algorithm === 'rsa-sha256' ? generateKeyPairSync('rsa', { modulusLength: 1024 }) : generateKeyPairSync('ed25519');
    made.set(algorithm, pair);
  }
  return pair;
}

export function signerKey(
  selector: string,
  state: string,
  validFromSeconds = 0,
  algorithm: DkimSigningKey['algorithm'] = 'rsa-sha256',
): DkimSigningKey {
  return {
    selector,
    algorithm,
    state,
    publicKey: `public-${selector}`,
    validFromSeconds,
    privateKeyPem: () => pairOf(algorithm).privateKey.export({ type: 'pkcs8', format: 'pem' }),
  };
}

export function publicKeyOf(algorithm: DkimSigningKey['algorithm']): KeyObject {
  return pairOf(algorithm).publicKey;
}
