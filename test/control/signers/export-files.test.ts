/** What the files for OpenDKIM, Exim and Haraka say. */
import { describe, expect, test } from 'vitest';
import { type ExportForm } from '#control/api/signers.ts';
import { signerFiles } from '#control/signers/export-files.ts';
import { DOMAINS } from '../../support/fake-signer-domains.ts';

describe('what the files say', () => {
  const files = (form: ExportForm) => signerFiles({ form, folder: '/srv/mx1', command: [] }, DOMAINS);

  test('OpenDKIM: tables name the key that signs, by the link; the one before is still there', () => {
    const given = files('opendkim');
    expect([...given.keys()]).toEqual(['keys/post.example/r1.pem', 'keys/post.example/r2.pem', 'KeyTable', 'SigningTable']);
    expect(given.get('KeyTable')).toBe('r2._domainkey.post.example post.example:r2:/srv/mx1/current/keys/post.example/r2.pem\n');
    expect(given.get('SigningTable')).toBe('*@post.example r2._domainkey.post.example\n');
  });

  test('Exim: a line of lsearch for each domain, both algorithms', () => {
    const given = files('exim');
    expect(given.get('selectors')).toBe('post.example: r2:e2\n');
    expect([...given.keys()]).toEqual(['keys/post.example/r1.pem', 'keys/post.example/r2.pem', 'keys/post.example/e2.pem', 'selectors']);
  });

  test('Haraka: one key of RSA for each domain', () => {
    const given = files('haraka');
    expect([...given.keys()]).toEqual(['dkim/post.example/private', 'dkim/post.example/selector']);
    expect(given.get('dkim/post.example/selector')).toBe('r2\n');
  });

  test('keys are PEM of PKCS #8', () => {
    expect(files('opendkim').get('keys/post.example/r2.pem')).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
  });
});
