/** The sealed register of signers: replaced as a whole, and never half of it. */
import { expect, test } from 'vitest';
import { type SignerRecord } from '#control/api/signers.ts';
import { SignerRegister, tokensOf } from '#control/signers/register.ts';
import { auditEvent, temporaryStore } from '../../support/temporary-store.ts';
import { bad, good } from '../../support/temporary-control.ts';

const signer = (name: string): SignerRecord => ({ name, delivery: 'fetch', domains: ['a.example.'], allow: [], createdAtMs: 0 });

test('what is replaced is seen after its commit; what is removed goes with its tokens', async () => {
  const { writer } = temporaryStore();
  const register = new SignerRegister(writer);
  const replaced = register.replace([signer('mx1'), signer('mx2')]);
  expect(register.records()).toEqual([]);
  await writer.commit({ audit: auditEvent(), secrets: replaced.secrets ?? [] });
  expect(register.find('mx2')).toEqual(signer('mx2'));
  expect(bad(register.remove('mx3'))[0]).toMatchObject({ code: 'SIGNER_NOT_FOUND', fix: 'there are: mx1, mx2' });
  const removal = good(register.remove('mx1'));
  expect(removal).toMatchObject({ detail: 'signer mx1 and its 0 tokens', tokens: { remove: [] } });
  await writer.commit({ audit: auditEvent(), secrets: removal.secrets ?? [] });
  expect([register.records(), new SignerRegister(writer).records()]).toEqual([[signer('mx2')], [signer('mx2')]]);
});

test('the tokens of a signer are those with its scope alone', () => {
  const tokens = [
    { id: 'a', scopes: ['signer:mx1'] },
    { id: 'b', scopes: ['admin'] },
    { id: 'c', scopes: ['signer:mx10'] },
  ] as const;
  expect(tokensOf('mx1', tokens)).toEqual(['a']);
});
