/** The register of mail signers, and who is given which private key. */
import { storedDkimKeys } from '#control/mail/dkim-keys.ts';
import { WHOLE, atZone, formatPlace } from '#base/place.ts';
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type SignerRequest } from '#control/api/signers.ts';
import { checkSigner } from '#control/signers/record.ts';
import { nameOf } from '#dns/name.ts';
import { StoreFailure } from '#store/failure.ts';
import { verifyStore } from '#store/verify.ts';
import { HOUR_MS, LOCAL, REMOTE, SIGNED_ZONE, type SigningControl, signingControl, visit } from '../../support/signing-control.ts';
import { bad, good } from '../../support/temporary-control.ts';

const FETCHES: SignerRequest = { name: 'mx1', delivery: 'fetch', domains: ['post.example'] };
/** 5 min for the signer, 42 min of queue, 1 h of TTL: over in 3 h. */
const SHORT = { queueLife: '30m', signerLag: '5m' };
const local = { actor: LOCAL, dryRun: false };

const word = (...selectors: string[]) => ({ selectors, isAll: false });

const add = async ({ control }: SigningControl, request: Partial<SignerRequest> = {}) =>
  good(await control.signers.add({ ...FETCHES, ...request }, local));

const auditOf = ({ control }: SigningControl, action: string) => control.audit.entries(1000).filter((each) => each.action === action);

describe('the register', () => {
  test('keeps a signer over a restart, sealed: neither its name nor its command can be read or changed on the disk', async () => {
    const room = await signingControl();
    const { signer, token } = await add(room);
    expect(signer).toMatchObject({ name: 'mx1', domains: ['post.example.'], allow: ['127.0.0.0/8', '::1/128'], tokens: [token!.id] });
    expect(room.control.tokens.authenticate(token!.secret, '')).toMatchObject({ scopes: ['signer:mx1'] });
    const sealed = Buffer.from(room.writer.sealedSecret(0, 'signers')!);
    expect(sealed.toString('latin1')).not.toMatch(/mx1|post/);
    expect(room.control.signers.list()).toEqual([signer]);
    expect(auditOf(room, 'signer.add')[0]).toMatchObject({ actor: LOCAL, detail: 'signer mx1 (fetch) for post.example.' });
    expect(verifyStore(room.writer).problems).toEqual([]);
  });

  test('a dry run registers nothing and makes no token', async () => {
    const room = await signingControl();
    const before = room.control.tokens.list().length;
    expect(good(await room.control.signers.add(FETCHES, { actor: LOCAL, dryRun: true }))).not.toHaveProperty('token');
    expect(room.control.signers.list()).toEqual([]);
    expect(room.control.tokens.list()).toHaveLength(before);
  });

  test('removing takes its tokens too, and from then on it gets nothing', async () => {
    const room = await signingControl();
    const { token } = await add(room);
    good(await room.control.signers.remove('mx1', local));
    expect(room.control.tokens.authenticate(token!.secret, '')).not.toHaveProperty('id');
    expect(bad(await room.control.signers.keys(visit()))[0]).toMatchObject({ code: 'SIGNER_NOT_FOUND' });
    expect(bad(await room.control.signers.remove('mx1', local))[0]).toMatchObject({ code: 'SIGNER_NOT_FOUND' });
  });

  const files = (folder: string, command: string[] = []) => ({ delivery: 'files', files: { form: 'exim', folder, command } }) as const;
  test.each<[string, Partial<SignerRequest>, string]>([
    ['a name that is a path', { name: '../mx1' }, 'SIGNER_NAME'],
    ['a name in capitals', { name: 'MX1' }, 'SIGNER_NAME'],
    ['no domain', { domains: [] }, 'FIELD_VALUE'],
    ['a domain that is a path (RFC 2317 names may hold a slash)', { domains: ['0/25.2.0.192.in-addr.arpa'] }, 'SIGNER_NAME'],
    ['a network that is none', { allow: ['10.0.0.0/33'] }, 'SIGNER_NETWORK'],
    ['no network at all', { allow: [] }, 'FIELD_VALUE'],
    ['a relative folder', files('keys'), 'SIGNER_FOLDER'],
    ['a folder with ..', files('/keys/../etc'), 'SIGNER_FOLDER'],
    ['a folder with what KeyTable takes for a separator', files('/keys:1'), 'SIGNER_FOLDER'],
    ['a command by its name alone', files('/keys', ['systemctl']), 'FIELD_VALUE'],
    ['a command with an octet 0', files('/keys', ['/bin/true', 'a\0b']), 'FIELD_VALUE'],
    ['files of which nobody says whose', { delivery: 'files' }, 'FIELD_VALUE'],
    ['files for one that fetches', { files: { form: 'exim' } }, 'FIELD_VALUE'],
  ])('refuses %s', (_what, request, code) => {
    expect(bad(checkSigner({ ...FETCHES, ...request }, 0, '/srv'))[0]).toMatchObject({ code });
  });

  test('refuses what is wrong all at once, and domains that are not served; nothing is registered', async () => {
    const room = await signingControl({ algorithms: ['ed25519'] });
    const wrong = await room.control.signers.add({ ...FETCHES, name: '-', domains: ['-'], allow: ['-'] }, local);
    expect(bad(wrong).map(({ code }) => code)).toEqual(['SIGNER_NAME', 'SIGNER_NAME', 'SIGNER_NETWORK']);
    const unknown = await room.control.signers.add({ ...FETCHES, domains: ['post.example', 'elsewhere.example'] }, local);
    expect(bad(unknown)).toMatchObject([{ code: 'ZONE_NOT_FOUND', at: atZone('elsewhere.example.') }]);
    expect(room.control.signers.list()).toEqual([]);
  });

  test('refuses a second of the same name, and a folder that another one has', async () => {
    const room = await signingControl({ algorithms: ['ed25519'] });
    await add(room, files('/srv/keys'));
    expect(bad(await room.control.signers.add({ ...FETCHES, ...files('/srv/keys') }, local))[0]).toMatchObject({ code: 'SIGNER_EXISTS' });
    for (const folder of ['/srv/keys', '/srv', '/srv/keys/mx2'])
      expect(bad(await room.control.signers.add({ ...FETCHES, ...files(folder), name: 'mx2' }, local))[0]).toMatchObject({
        code: 'SIGNER_FOLDER_TAKEN',
      });
  });

  test('a token cannot say where files go and what runs: that is for who may open the Unix socket', async () => {
    const room = await signingControl({ algorithms: ['ed25519'] });
    const remote = { actor: REMOTE, dryRun: false };
    for (const request of [files('/etc/cron.d'), { delivery: 'files', files: { form: 'exim', command: ['/bin/true'] } } as const])
      expect(bad(await room.control.signers.add({ ...FETCHES, ...request }, remote))[0]).toMatchObject({ code: 'SIGNER_LOCAL' });
    expect(
      good(await room.control.signers.add({ ...FETCHES, delivery: 'files', files: { form: 'exim' } }, remote)).signer.files?.command,
    ).toEqual([]);
  });

  test('warns of keys that would cross a network in clear, and of a policy that does not wait for the signer', async () => {
    const room = await signingControl({ algorithms: ['ed25519'] });
    const added = await room.control.signers.add(
      { name: 'mx2', delivery: 'fetch', domains: ['post.example', 'other.example'], allow: ['192.0.2.25'] },
      local,
    );
    expect(added.ok && added.warnings.map(({ code, at }) => [code, formatPlace(at)])).toEqual([
      ['SIGNER_NETWORK', '/allow/0'],
      ['SIGNER_DOMAIN', 'post.example.'],
      ['SIGNER_DOMAIN', 'other.example.'],
    ]);
  });
});

describe('keys for a signer', () => {
  test('are those that the records name, active ones only', async () => {
    const room = await signingControl();
    await add(room);
    const keys = good(await room.control.signers.keys(visit()));
    expect(keys.map(({ selector }) => selector).toSorted()).toEqual(room.active().toSorted());
    for (const { privateKey, publicKey, algorithm } of keys) {
      const spki = createPublicKey(createPrivateKey(privateKey)).export({ type: 'spki', format: 'der' });
      expect((algorithm === 'rsa-sha256' ? spki : spki.subarray(-32)).toString('base64')).toBe(publicKey);
    }
    expect(good(await room.control.signers.keys(visit(), 'post.example.'))).toEqual(keys);
  });

  const ADDRESSES: readonly [string, string, boolean][] = [
    ['127.0.0.1', '127.0.0.0/8', true],
    ['unix', '127.0.0.0/8', true],
    ['192.0.2.25', '192.0.2.0/24', true],
    ['192.0.3.25', '192.0.2.0/24', false],
    ['2001:db8::25', '2001:db8::/64', true],
    ['2001:db8:0:1::25', '2001:db8::/64', false],
    ['::ffff:192.0.2.25', '192.0.2.25', true],
    ['', '0.0.0.0/0', false],
    ['unknown', '::/0', false],
  ];

  test('only from the networks that the signer may ask from', async () => {
    const room = await signingControl({ algorithms: ['ed25519'] });
    for (const [index, [from, network, may]] of ADDRESSES.entries()) {
      await add(room, { name: `mx-${index}`, allow: [network] });
      const given = await room.control.signers.keys(visit(`mx-${index}`, from));
      expect([from, network, given.ok || given.problems[0]!.code]).toEqual([from, network, may || 'SIGNER_ADDRESS']);
    }
  });

  test('only of its own domains, whatever else is served', async () => {
    const room = await signingControl({ algorithms: ['ed25519'] });
    await add(room);
    for (const domain of ['other.example', 'example', 'sub.post.example', '..', ''])
      for (const ask of ['keys', 'rspamdKeys'] as const)
        expect(await room.control.signers[ask](visit(), domain)).toMatchObject({ ok: false, problems: [{ code: 'SIGNER_DOMAIN' }] });
  });

  test('none for one that reads files or makes its own', async () => {
    const room = await signingControl({ algorithms: ['ed25519'] });
    await add(room, { delivery: 'own-key' });
    expect(bad(await room.control.signers.keys(visit()))[0]).toMatchObject({ code: 'SIGNER_OWN_KEY' });
  });
});

describe('the audit log', () => {
  test('has one entry for each signer, key and hour, however often it asks', async () => {
    const room = await signingControl();
    await add(room);
    for (let message = 0; message < 50; message++) good(await room.control.signers.rspamdKeys(visit(), 'post.example'));
    const [first, ...others] = auditOf(room, 'signer.fetch');
    expect(others).toEqual([]);
    expect(first).toMatchObject({ zone: 'post.example.', actor: { kind: 'token' } });
    for (const selector of room.active()) expect(first!.detail).toContain(`${selector}._domainkey.post.example.`);
    room.clock.pass(HOUR_MS);
    good(await room.control.signers.keys(visit()));
    good(await room.control.signers.keys(visit()));
    const later = auditOf(room, 'signer.fetch');
    expect(later).toHaveLength(2);
    expect(later[0]!.detail).toContain('50 times since the last entry');
    expect(room.control.audit.verify().brokenAt).toBeUndefined();
  });

  test('is written before a key goes: nothing is given when it cannot be, unless the signer has that key already', async () => {
    const room = await signingControl({ algorithms: ['ed25519'] });
    await add(room);
    await add(room, { name: 'mx2' });
    good(await room.control.signers.keys(visit('mx1')));
    room.clock.pass(HOUR_MS);
    room.writer.commitTogether = () => Promise.reject(new StoreFailure('STORE_FULL', WHOLE, 'the disk is full', ''));
    expect(good(await room.control.signers.keys(visit('mx1')))).toHaveLength(1);
    expect(bad(await room.control.signers.keys(visit('mx2')))[0]).toMatchObject({ code: 'STORE_FULL' });
  });

  test('has one entry an hour for an address that may not ask', async () => {
    const room = await signingControl({ algorithms: ['ed25519'] });
    await add(room);
    for (let times = 0; times < 5; times++) bad(await room.control.signers.keys(visit('mx1', '198.51.100.7')));
    bad(await room.control.signers.keys(visit('mx1', '198.51.100.8')));
    expect(auditOf(room, 'signer.refused').map(({ detail }) => detail.includes('198.51.100.'))).toEqual([true, true]);
  });
});

describe('a rotation waits for its signers', () => {
  const rotate = { kind: 'dkim.rotate', zone: SIGNED_ZONE, algorithms: [], reason: 'test' } as const;

  test('rspamd asks for each message: what it was given it signs with, and the old key may go after its queue life', async () => {
    const room = await signingControl(SHORT);
    await add(room);
    good(await room.control.signers.rspamdKeys(visit(), 'post.example'));
    const old = room.active();
    good(await room.run(rotate));
    await room.live(2 * HOUR_MS);
    expect(room.active()).not.toEqual(expect.arrayContaining(old));
    expect(old.map((selector) => room.stages()[selector])).toEqual(['retiring', 'retiring']);
    // It is silent: nobody knows whether it has switched.
    await room.live(3 * HOUR_MS);
    expect(old.map((selector) => room.stages()[selector])).toEqual(['retiring', 'retiring']);
    const given = good(await room.control.signers.rspamdKeys(visit(), 'post.example'));
    expect(given.map(({ selector }) => selector).toSorted()).toEqual(room.active().toSorted());
    await room.live(3 * HOUR_MS);
    expect(old.map((selector) => room.stages()[selector])).toEqual(['revoked', 'revoked']);
  });

  test('a signer that polls has to say so: POST …/ack', async () => {
    const room = await signingControl({ ...SHORT, algorithms: ['ed25519'] });
    await add(room);
    const old = room.active()[0]!;
    good(await room.run(rotate));
    await room.live(2 * HOUR_MS);
    good(await room.control.signers.keys(visit()));
    await room.live(3 * HOUR_MS);
    expect(room.stages()[old]).toBe('retiring');
    expect(bad(await room.control.signers.acknowledge(visit(), 'post.example', word('nonsense'), false))[0]).toMatchObject({
      code: 'SIGNER_SELECTOR',
    });
    expect(bad(await room.control.signers.acknowledge(visit(), 'other.example', word(old), false))[0]).toMatchObject({
      code: 'SIGNER_DOMAIN',
    });
    good(await room.control.signers.acknowledge(visit(), 'post.example', word(room.active()[0]!), false));
    await room.live(3 * HOUR_MS);
    expect(room.stages()[old]).toBe('revoked');
  });
});

describe('an acknowledgement speaks for its own algorithm and for active keys', () => {
  const rotate = { kind: 'dkim.rotate', zone: SIGNED_ZONE, algorithms: [], reason: 'test' } as const;
  const acknowledge = (room: SigningControl, ...selectors: string[]) =>
    room.control.signers.acknowledge(visit(), 'post.example', word(...selectors), false);
  const ofKind = (selectors: readonly string[], algorithm: 'r' | 'e') => selectors.find((each) => each.startsWith(algorithm))!;

  /** RSA and Ed25519 side by side, both just rotated. */
  async function rotated() {
    const room = await signingControl(SHORT);
    await add(room);
    const old = room.active();
    good(await room.run(rotate));
    await room.live(2 * HOUR_MS);
    return { room, old, current: room.active() };
  }

  test('the new Ed25519 key: the old RSA key, which the signer may still use, stays; its own follows its own word', async () => {
    const { room, old, current } = await rotated();
    good(await acknowledge(room, ofKind(current, 'e')));
    await room.live(10 * HOUR_MS);
    expect(room.stages()).toMatchObject({ [ofKind(old, 'e')]: 'revoked', [ofKind(old, 'r')]: 'retiring' });
    good(await acknowledge(room, ofKind(current, 'r')));
    await room.live(3 * HOUR_MS);
    expect(room.stages()[ofKind(old, 'r')]).toBe('revoked');
  });

  test('several at once', async () => {
    const { room, old, current } = await rotated();
    good(await acknowledge(room, ...current));
    await room.live(3 * HOUR_MS);
    expect(old.map((selector) => room.stages()[selector])).toEqual(['revoked', 'revoked']);
  });

  test('a key that does not sign is refused with its stage and what is active, and nothing in the list is noted', async () => {
    const { room, old, current } = await rotated();
    const refused = bad(await acknowledge(room, ofKind(current, 'e'), ofKind(old, 'r'), 'r19700101a'));
    expect(refused.map(({ code }) => code)).toEqual(['SIGNER_SELECTOR', 'SIGNER_SELECTOR']);
    expect(refused[0]!.message).toContain('the key is retiring, not active: it is on its way out');
    expect(refused[0]!.fix).toContain(ofKind(current, 'r'));
    expect(refused[1]!.message).toBe('the domain has no such selector');
    await room.live(3 * HOUR_MS);
    expect(room.stages()[ofKind(old, 'e')]).toBe('retiring');
  });

  test('a compromised key is refused', async () => {
    const room = await signingControl(SHORT);
    await add(room);
    const selector = ofKind(room.active(), 'e');
    good(await room.run({ kind: 'dkim.revoke', zone: SIGNED_ZONE, selector, when: 'at-once', reason: 'leaked' }));
    expect(bad(await acknowledge(room, selector))[0]!.message).toContain('the key is compromised, not active');
  });

  test('a key that is published and not active yet is refused', async () => {
    const room = await signingControl(SHORT);
    await add(room);
    good(await room.run(rotate));
    const [coming] = Object.entries(room.stages()).find(([, stage]) => stage === 'published' || stage === 'visible')!;
    expect(bad(await acknowledge(room, coming))[0]!.message).toMatch(/the key is (published|visible), not active/);
  });

  test('a key that another signer made and keeps is refused', async () => {
    const room = await signingControl({ signers: ['mx1', 'esp'], algorithms: ['ed25519'] });
    await add(room);
    await add(room, { name: 'esp', delivery: 'own-key' });
    const pem = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ type: 'spki', format: 'pem' });
    const { selector } = good(await room.control.signers.addPublicKey('esp', 'post.example', pem, local));
    await room.live(2 * HOUR_MS);
    expect(room.stages()[selector!]).toBe('active');
    expect(bad(await acknowledge(room, selector!))[0]!.message).toBe('only esp has this key, not mx1');
    good(await room.control.signers.acknowledge(visit('esp'), 'post.example', word(selector!), false));
  });

  test('a rotation here does not wait for a signer that makes its own keys: it never had ours', async () => {
    const room = await signingControl({ ...SHORT, signers: ['esp'], algorithms: ['ed25519'] });
    await add(room, { name: 'esp', delivery: 'own-key' });
    const [old] = room.active();
    good(await room.run(rotate));
    await room.live(5 * HOUR_MS);
    expect(room.stages()[old!]).toBe('revoked');
  });

  test('an algorithm that the policy gave up has no active key: who asks for each message has left it, others say "only"', async () => {
    for (const leave of [
      async (room: SigningControl) => void good(await room.control.signers.rspamdKeys(visit(), 'post.example')),
      async (room: SigningControl) => {
        const [rsa] = room.active();
        good(await acknowledge(room, rsa!));
        await room.live(3 * HOUR_MS);
        expect(Object.values(room.stages()).toSorted()).toEqual(['active', 'retiring']);
        const all = { selectors: [rsa!], isAll: true };
        good(await room.control.signers.acknowledge(visit(), 'post.example', all, false));
      },
    ]) {
      const room = await signingControl(SHORT);
      await add(room);
      const gone = ofKind(room.active(), 'e');
      const policy = { mtaSts: { mode: 'off' }, dkim: { ...SHORT, signers: ['mx1'], algorithms: ['rsa2048'] } };
      good(await room.run({ kind: 'mail.apply', zone: SIGNED_ZONE, policy }));
      await room.live(3 * HOUR_MS);
      expect(room.stages()[gone]).toBe('retiring');
      await leave(room);
      await room.live(3 * HOUR_MS);
      expect(room.stages()[gone]).toBe('revoked');
    }
  });
});

describe('RFC 6376 §3.6.1: a signer that makes its own key', () => {
  test('gives the public part only; its selector lives like the others', async () => {
    const room = await signingControl({ algorithms: [] });
    await add(room, { delivery: 'own-key' });
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const pem = publicKey.export({ type: 'spki', format: 'pem' });
    const { selector } = good(await room.control.signers.addPublicKey('mx1', 'post.example', pem, local));
    expect(room.stages()[selector!]).toBe('published');
    await room.live(2 * HOUR_MS);
    expect(room.stages()[selector!]).toBe('active');
    expect(storedDkimKeys(room.writer).keysFor(SIGNED_ZONE)).toEqual([]);
    const again = bad(await room.control.signers.addPublicKey('mx1', 'post.example', pem, local));
    expect(again[0]!.message).toBe('this key has a selector already');
    const secret = privateKey.export({ type: 'pkcs8', format: 'pem' });
    expect(bad(await room.control.signers.addPublicKey('mx1', 'post.example', secret, local))[0]).toMatchObject({
      code: 'DKIM_KEY_PRIVATE',
    });
    expect(JSON.stringify(room.control.audit.entries(1000))).not.toContain('PRIVATE');
  });

  test('is refused for a signer that is given keys, and for domains that are not its own', async () => {
    const room = await signingControl({ algorithms: ['ed25519'] });
    await add(room);
    expect(bad(await room.control.signers.addPublicKey('mx1', 'post.example', 'x', local))[0]).toMatchObject({ code: 'SIGNER_OWN_KEY' });
    await add(room, { name: 'mx2', delivery: 'own-key' });
    expect(bad(await room.control.signers.addPublicKey('mx2', 'other.example', 'x', local))[0]).toMatchObject({ code: 'SIGNER_DOMAIN' });
    expect(room.control.zones.find(nameOf('other.example.'))).toBeDefined();
  });
});

describe('a policy that names a signer which cannot acknowledge', () => {
  const apply = (room: SigningControl, ...signers: string[]) =>
    room.run({ kind: 'mail.apply', zone: SIGNED_ZONE, policy: { mtaSts: { mode: 'off' }, dkim: { ...SHORT, signers } } }, { dryRun: true });
  const told = (warnings: readonly { readonly code: string; readonly message: string }[]) =>
    warnings.filter(({ code }) => code.startsWith('SIGNER_')).map(({ code, message }) => [code, message]);
  const absent = (name: string, why: string, code = 'SIGNER_NOT_FOUND') => [
    code,
    `the mail policy of post.example names ${name}, which is ${why}: rotations wait for it for ever`,
  ];

  test('is warned of at plan, at rotation and at removal, and status gives the cause of the wait', async () => {
    const room = await signingControl(SHORT);
    const planned = await apply(room, 'mx1', 'elsewhere');
    expect(planned.ok && told(planned.value.warnings)).toEqual([absent('mx1', 'not registered'), absent('elsewhere', 'not registered')]);
    await add(room);
    await add(room, { name: 'elsewhere', domains: ['other.example'] });
    const other = await apply(room, 'mx1', 'elsewhere');
    expect(other.ok && told(other.value.warnings)).toEqual([absent('elsewhere', 'registered for other domains only', 'SIGNER_DOMAIN')]);
    const removed = await room.control.signers.remove('mx1', local);
    expect(removed.ok && told(removed.warnings)).toEqual([absent('mx1', 'not registered')]);
    const rotated = await room.run({ kind: 'dkim.rotate', zone: SIGNED_ZONE, algorithms: [], reason: 'test' });
    expect(rotated.ok && told(rotated.value.warnings)).toEqual([absent('mx1', 'not registered')]);
    await room.live(3 * HOUR_MS);
    const { explanations } = room.control.mail.view(room.control.zones.find(SIGNED_ZONE)!)!;
    const retiring = explanations.filter(({ stage }) => stage === 'retiring').map(({ lines }) => lines.join('\n'));
    expect(retiring).toHaveLength(2);
    for (const text of retiring) expect(text).toContain('mx1: is not registered, so it never says that it has switched');
  });

  test('a signer that is registered and silent is said to be silent', async () => {
    const room = await signingControl(SHORT);
    await add(room);
    good(await room.run({ kind: 'dkim.rotate', zone: SIGNED_ZONE, algorithms: [], reason: 'test' }));
    await room.live(3 * HOUR_MS);
    const { explanations } = room.control.mail.view(room.control.zones.find(SIGNED_ZONE)!)!;
    const lines = explanations.filter(({ stage }) => stage === 'retiring').flatMap((each) => each.lines);
    expect(lines.join('\n')).toContain('mx1: has not said yet that it signs with the new key');
  });
});
