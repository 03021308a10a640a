/**
 * The key that signs heads of the audit log, and the heads that are given away: an event and a line of the log when the
 * server starts and every hour in which there was a new entry, so that an operator who collects either has what the
 * log cannot be changed behind. The key is made once, stands sealed in the store, and signs nothing else.
 * Not here: the form of a head (store/audit/signed-head.ts), its checks (cli/audit-exports.ts).
 */
import { type KeyObject, createPrivateKey, createPublicKey } from 'node:crypto';
import { type SignedAuditHead, auditKeyId, signAuditHead } from '#store/audit/signed-head.ts';
import { type Clock } from '#base/clock.ts';
import { AUDIT_HEAD_EVERY_MS } from '#base/limits/store.ts';
import { type Log } from '#base/log.ts';
import { atPath } from '#base/place.ts';
import { type Problem, type Result, fail, formatProblem, ok, problem } from '#base/problem.ts';
import { auditHeadOf, headMac } from '#store/audit/entries.ts';
import { type SealLabel } from '#store/seal.ts';
import { type EventWrite, type StoreWriter } from '#store/writer.ts';
import { type AuditSigner } from '#control/api/control.ts';
import { type Funnel } from '#control/funnel/funnel.ts';

export interface AuditHeadsOptions {
  readonly writer: StoreWriter;
  readonly funnel: Pick<Funnel, 'change'>;
  readonly clock: Clock;
  readonly random: (bytes: number) => Uint8Array;
  readonly note: (event: EventWrite) => Promise<void>;
}

const ID = 'audit-key';
const LABEL: SealLabel = { purpose: ID, id: ID, version: 1 };
const NO_ZONE = 0;
const SEED_BYTES = 32;
/** PrivateKeyInfo of Ed25519 before its 32 octets (RFC 8410 §7). */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');
const MAKER = { actor: { kind: 'system', id: 'audit', from: '' }, action: 'audit.key', upkeep: true } as const;

export class AuditHeads {
  readonly #options: AuditHeadsOptions;
  #key: KeyObject | undefined;
  #log: Log | undefined;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  /** The last entry of the head that was given away last. */
  #givenSequence = 0;

  constructor(options: AuditHeadsOptions) {
    this.#options = options;
  }

  /** Gives a head away now and every hour. */
  start(log: Log): void {
    this.#log = log;
    const look = (): void => {
      this.#running = this.give().finally(() => {
        this.#timer = setTimeout(look, AUDIT_HEAD_EVERY_MS);
        this.#timer.unref();
      });
    };
    look();
  }

  async stop(): Promise<void> {
    await this.#running;
    clearTimeout(this.#timer);
  }

  /** Gives the head of now away, when there is an entry since the last time. */
  async give(): Promise<void> {
    const { last } = this.#options.writer.auditRange();
    if (last === this.#givenSequence || last === 0) return;
    const head = await this.head();
    if (!head.ok) return this.#report(head.problems);
    this.#givenSequence = head.value.sequence;
    const text = JSON.stringify(head.value);
    this.#log?.info('audit.head', `the audit log is signed up to entry ${head.value.sequence}`, { head: head.value });
    await this.#options.note({ kind: 'audit', event: 'head', text });
  }

  /** The head of now, signed. AUDIT_BROKEN when the store was changed behind the server. */
  async head(): Promise<Result<SignedAuditHead>> {
    const signer = await this.signer();
    if (!signer.ok) return signer;
    const { writer } = this.#options;
    const { from } = writer.auditRange();
    const stored = auditHeadOf(writer);
    if (stored === undefined) return fail(notWritten('the audit log has no entry'));
    const { sequence, hash, mac } = stored;
    if (mac !== headMac(writer.sealer, sequence, hash))
      return fail(notWritten('the head was not written by this store'));
    return ok(signer.value.sign(from, sequence, hash));
  }

  /** Signs heads, of exports too. Makes the key where there is none. */
  async signer(): Promise<Result<AuditSigner>> {
    const key = await this.#open();
    if (!key.ok) return key;
    const publicKey = createPublicKey(key.value);
    const { writer, clock } = this.#options;
    const installation = writer.installation();
    const at = () => new Date(clock.nowMs()).toISOString();
    return ok({
      keyId: auditKeyId(publicKey),
      publicKey: publicKey.export({ format: 'pem', type: 'spki' }),
      sign: (from, sequence, hash) =>
        signAuditHead({ installation, from, sequence, hash, at: at() }, key.value, publicKey),
    });
  }

  async #open(): Promise<Result<KeyObject>> {
    if (this.#key !== undefined) return ok(this.#key);
    const { writer, funnel, random } = this.#options;
    let key: KeyObject | undefined;
    // In its turn: two that ask at once make one key.
    const made = await funnel.change(MAKER, () => {
      const stored = writer.secret(NO_ZONE, LABEL);
      const seed = stored ?? random(SEED_BYTES);
      key = keyOf(seed);
      if (stored !== undefined) return ok({ isChanged: false });
      const detail = `the key that signs heads of this log: ${auditKeyId(createPublicKey(key))}`;
      return ok({
        secrets: [{ zoneId: NO_ZONE, id: ID, value: writer.sealer.seal(LABEL, seed) }],
        detail,
        isChanged: true,
      });
    });
    if (!made.ok) return made;
    this.#key = key;
    return ok(key!);
  }

  #report(problems: readonly Problem[]): void {
    const text = problems.map(formatProblem).join('; ');
    this.#log?.error('audit.no-head', `no head of the audit log is given away now: ${text}`, { problems: text });
  }
}

function keyOf(seed: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, seed]), format: 'der', type: 'pkcs8' });
}

function notWritten(why: string): Problem {
  return problem('AUDIT_BROKEN', atPath('audit', 'the audit log'), why, { fix: 'waxseal audit verify' });
}
