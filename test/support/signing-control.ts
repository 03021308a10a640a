/** A control room with a zone whose mail policy has made DKIM keys, and time that goes by when a test says so. */
import { type SignerActor, type SignerVisit } from '#control/api/signers.ts';
import { nameOf } from '#dns/name.ts';
import { type TestControl, good, temporaryControl } from './temporary-control.ts';

export const SIGNED_ZONE = nameOf('post.example.');
export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
/** The administrator at the Unix socket. */
export const LOCAL: SignerActor = { kind: 'socket', id: 'admin', from: 'unix' };
/** Somebody with a token, somewhere. */
export const REMOTE: SignerActor = { kind: 'token', id: 'f'.repeat(16), from: '192.0.2.1' };

const TEXT = `
@ 3600 SOA ns1 host 10 7200 900 1209600 900
@ 3600 NS ns1
@ 3600 MX 10 mx1
ns1 3600 A 192.0.2.1
mx1 3600 A 192.0.2.25
`;

export interface SigningControl extends TestControl {
  /** Stage by selector. */
  stages(): Record<string, string>;
  /** Selectors that are active. */
  active(): string[];
}

/** The zone post.example with a mail policy that names the signer mx1, both keys active. */
export async function signingControl(dkim: Record<string, unknown> = {}): Promise<SigningControl> {
  const room = temporaryControl({ sources: ['mail'] });
  await room.load('post.example.', TEXT);
  await room.load('other.example.', TEXT);
  room.publisher.receive({ kind: 'served', workers: [{ id: 0, alive: true, generation: Number.MAX_SAFE_INTEGER }] });
  const policy = { mtaSts: { mode: 'off' }, dkim: { signers: ['mx1'], ...dkim } };
  good(await room.run({ kind: 'mail.apply', zone: SIGNED_ZONE, policy }));
  const stages = () =>
    Object.fromEntries(
      room.control.mail.view(room.control.zones.find(SIGNED_ZONE)!)!.state.dkim.lifecycle.objects.map(({ id, stage }) => [id, stage]),
    );
  const signing: SigningControl = {
    ...room,
    stages,
    active: () => Object.entries(stages()).flatMap(([id, stage]) => (stage === 'active' ? [id] : [])),
  };
  await signing.live(HOUR_MS);
  return signing;
}

/** The signer asks, from `from`. */
export function visit(signer = 'mx1', from = '127.0.0.1'): SignerVisit {
  return { signer, from, actor: { kind: 'token', id: '0'.repeat(16), from } };
}
