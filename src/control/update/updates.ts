/**
 * UPDATE in the control process: whose message it is, whether it came before, what became of it.
 * Implements: RFC 2136 §3.1 (zone), §3.6 (NOERROR when it is durable), §3.8 (the answer), RFC 3007 §1.3 and §3 (TSIG),
 * RFC 8945 §5.2–5.3.
 * Not here: the first look (transfer/update-gate.ts), what the updates do (control/zone/update.ts), the way to
 * primaries (forward.ts).
 */
import { addressText } from '#base/client-address.ts';
import { type Clock } from '#base/clock.ts';
import { type HandedMessage, readHandedMessage } from '#base/ipc/handed-message.ts';
import { UPDATES_PER_SECOND_MAX, UPDATE_LOG_LINES_PER_SECOND_MAX, UPDATE_SERVED_MS } from '#base/limits/update.ts';
import { type Problem, type Result } from '#base/problem.ts';
import { FAULT, HEADER_BYTES, type QueryHead, answerLimitBytes, newQueryHead, parseQuery } from '#dns/message.ts';
import { type Name, formatName, lowerName, nameOf } from '#dns/name.ts';
import { rcodeName } from '#dns/reply.ts';
import { type TsigKeys } from '#dns/tsig/key.ts';
import { TSIG_ERROR } from '#dns/tsig/record.ts';
import { TsigSigner } from '#dns/tsig/sign.ts';
import { type TsigVerdict, verifyTsig } from '#dns/tsig/verify.ts';
import { CLASS, EDE, OPCODE, RCODE } from '#dns/types.ts';
import { type UpdateMessage, readUpdate } from '#zone/update/message.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type StoreWriter } from '#store/writer.ts';
import { type Actor, type Command, type Outcome, type RefusedAttempt, type RunOptions } from '#control/api/control.ts';
import { refusedCommand } from '#control/commands/refused.ts';
import { type Publisher } from '#control/publish/publisher.ts';
import { UPDATE_CODES } from '#control/zone/update.ts';
import { isGranted } from '#transfer/grants.ts';
import { tsigRefusalText } from '#transfer/refusal-text.ts';
import { type UpdateKey } from '#transfer/update-rights.ts';
import { type AnswerSignature, type UpdateVerdict, errorSignature, writeUpdateAnswer } from './answer.ts';
import { type UpdateForwarder } from './forward.ts';
import { ReplayWindow } from './replay.ts';

export interface UpdatesOptions {
  readonly writer: Pick<StoreWriter, 'zoneByName'>;
  readonly publisher: Pick<Publisher, 'waitServed'>;
  readonly clock: Clock;
  readonly keys: () => TsigKeys<UpdateKey>;
  readonly run: (command: Command, options: RunOptions) => Promise<Result<Outcome>>;
  /** For zones that come from primaries. */
  readonly forwarder: Pick<UpdateForwarder, 'forward'>;
  /** Takes note of what was refused. */
  readonly refused?: (attempt: RefusedAttempt) => void;
}

/** Writes to the log of the process, once there is one. */
type LogLine = (event: 'update.refused' | 'tsig.refused', text: string) => void;

type Invalid = Extract<TsigVerdict, { kind: 'invalid' }>;

interface Asked {
  readonly handed: HandedMessage;
  readonly head: QueryHead;
  readonly key: UpdateKey;
  /** As text, for logs and the audit log. */
  readonly from: string;
}

export class Updates {
  readonly #options: UpdatesOptions;
  readonly #replay = new ReplayWindow();
  readonly #counts = new Map<number, number>();
  #rates = new Map<string, number>();
  #rateSecond = 0;
  #logLines = 0;
  #log: LogLine = () => undefined;

  constructor(options: UpdatesOptions) {
    this.#options = options;
  }

  /** Answers by rcode since the process started. */
  get counts(): ReadonlyMap<number, number> {
    return this.#counts;
  }

  start(log: LogLine): void {
    this.#log = log;
  }

  /** Keys that are no more take no memory. */
  keysChanged(names: ReadonlySet<string>): void {
    this.#replay.keep(names);
  }

  /** The answer to a message that the answer process has passed on; of no octets: there is none. Never rejects. */
  async handle(body: Uint8Array): Promise<Uint8Array> {
    const handed = readHandedMessage(body);
    const head = newQueryHead();
    if (handed !== undefined) parseQuery(handed.message, handed.message.length, head);
    // The answer process passes on nothing else, unless it has been taken over.
    const isUpdate = head.opcode === OPCODE.UPDATE && head.form === FAULT.NONE && head.tsigAt > 0;
    if (handed === undefined || !isUpdate) return new Uint8Array(0);
    const { message } = handed;
    const now = this.#now();
    const verdict = verifyTsig({ message, length: message.length, at: head.tsigAt, keys: this.#options.keys(), now });
    if (verdict.kind === 'malformed') return this.#answer(handed, head, { rcode: RCODE.FORMERR });
    const secondary = this.#secondaryZone(message, head);
    // RFC 8945 §5.5: the key is the primary's; one that is known here holds as in any other zone.
    if (secondary !== undefined && isForwarded(verdict, secondary)) return this.#forward(handed, head, secondary);
    if (verdict.kind === 'invalid') return this.#refuseSignature(handed, head, verdict, now);
    const { key, record } = verdict;
    const name = formatName(key.name);
    const before = this.#replay.find(name, record.mac);
    if (before !== undefined) return withId(await before, head.id);
    if (this.#replay.isTooOld(name, record.timeSigned))
      return this.#refuseSignature(handed, head, { kind: 'invalid', error: TSIG_ERROR.BADTIME, key, record }, now);
    const answer = this.#carryOut({ handed, head, key, from: addressOf(handed) }, new TsigSigner(key, record.mac));
    this.#replay.add(name, record.mac, record.timeSigned, answer, now);
    return answer;
  }

  #now(): number {
    return Math.floor(this.#options.clock.nowMs() / 1000);
  }

  /** The zone of the message, if it comes from primaries. */
  #secondaryZone(message: Uint8Array, head: QueryHead): ZoneRecord | undefined {
    if (head.class !== CLASS.IN) return undefined;
    const record = this.#options.writer.zoneByName(message.slice(HEADER_BYTES, HEADER_BYTES + head.nameLength));
    return record?.secondary === undefined ? undefined : record;
  }

  async #forward(handed: HandedMessage, head: QueryHead, record: ZoneRecord): Promise<Uint8Array> {
    const from = addressOf(handed);
    const done = await this.#options.forwarder.forward(record, handed.message, from);
    if ('answer' in done) {
      const { answer } = done;
      this.#count(answer[3]! & 0x0f);
      // It is signed: it cannot be made shorter. The client asks again over TCP.
      return answer.length > answerLimitBytes(head, handed.transport) ? new Uint8Array(0) : answer;
    }
    this.#tell('update.refused', `UPDATE of ${record.name} from ${from} has no answer of a primary: ${done.failure}`);
    // Not for those out there: where the primaries are.
    return this.#answer(handed, head, notReady('no primary of the zone has answered; it may have been carried out'));
  }

  async #carryOut(asked: Asked, signer: TsigSigner): Promise<Uint8Array> {
    const { handed, head, key, from } = asked;
    const verdict = await this.#decide(asked);
    const { rcode, ede } = verdict;
    if (rcode !== RCODE.NOERROR && !EXPECTED.has(rcode)) {
      const why = ede === undefined ? '' : `: ${ede[1]}`;
      this.#tell('update.refused', `UPDATE by ${formatName(key.name)} from ${from}: ${rcodeName(rcode)}${why}`);
    }
    return this.#answer(handed, head, verdict, signer);
  }

  async #decide(asked: Asked): Promise<UpdateVerdict> {
    const { handed, head, key, from } = asked;
    const update = readUpdate(handed.message, handed.message.length, head);
    if (update === undefined) return MALFORMED;
    const refusal = this.#refuseZone(update, key) ?? this.#refuseRate(key);
    if (refusal !== undefined) return refusal;
    const name = formatName(key.name);
    const { prerequisites, updates } = update;
    const zone = lowerName(update.zone);
    const command = { kind: 'zone.update', zone, prerequisites, updates, rights: key.rights, key: name } as const;
    const actor = { kind: 'tsig', id: name, from, transport: 'dns' } as const;
    const done = await this.#options.run(command, { actor, dryRun: false });
    if (!done.ok) return this.#refused(actor, update.zone, done.problems);
    // Who hears NOERROR may ask for the records at once.
    if (done.value.changed) await this.#options.publisher.waitServed(done.value.revision, UPDATE_SERVED_MS);
    return { rcode: RCODE.NOERROR };
  }

  /** The verdict; what is not only a prerequisite that does not hold is in the audit log. */
  #refused(actor: Actor, zone: Name, problems: readonly Problem[]): UpdateVerdict {
    const verdict = verdictOf(problems);
    const name = formatName(zone);
    if (!EXPECTED.has(verdict.rcode)) this.#options.refused?.(refusedCommand(actor, 'UPDATE', name, problems));
    return verdict;
  }

  /** RFC 2136 §3.1.2: a zone that is not here is NOTAUTH; RFC 3007 §3: a key of another zone is REFUSED. */
  #refuseZone({ zone, class: zoneClass }: UpdateMessage, key: UpdateKey): UpdateVerdict | undefined {
    const name = formatName(zone);
    const record = zoneClass === CLASS.IN ? this.#options.writer.zoneByName(lowerName(zone)) : undefined;
    if (record === undefined) return notAuthoritative(`${name} is not a zone of this server`);
    if (isGranted(key, 'update', zone)) return undefined;
    return { rcode: RCODE.REFUSED, ede: [EDE.PROHIBITED, `the key ${formatName(key.name)} does not open ${name}`] };
  }

  #refuseRate(key: UpdateKey): UpdateVerdict | undefined {
    const name = formatName(key.name);
    this.#newSecond();
    const count = (this.#rates.get(name) ?? 0) + 1;
    this.#rates.set(name, count);
    if (count <= UPDATES_PER_SECOND_MAX) return undefined;
    const what = `more than ${UPDATES_PER_SECOND_MAX} updates of ${name} in a second`;
    return notReady(`${what}: send several changes in one message`);
  }

  #newSecond(): void {
    const second = this.#now();
    if (second === this.#rateSecond) return;
    this.#rateSecond = second;
    this.#rates = new Map();
    this.#logLines = 0;
  }

  #refuseSignature(handed: HandedMessage, head: QueryHead, verdict: Invalid, now: number): Uint8Array {
    this.#tell('tsig.refused', `UPDATE from ${addressOf(handed)} refused: ${tsigRefusalText(verdict, now)}`);
    return this.#answer(handed, head, { rcode: RCODE.NOTAUTH }, errorSignature(verdict));
  }

  #tell(...line: Parameters<LogLine>): void {
    this.#newSecond();
    if (this.#logLines++ < UPDATE_LOG_LINES_PER_SECOND_MAX) this.#log(...line);
  }

  #count(rcode: number): void {
    this.#counts.set(rcode, (this.#counts.get(rcode) ?? 0) + 1);
  }

  #answer(handed: HandedMessage, head: QueryHead, verdict: UpdateVerdict, signature?: AnswerSignature): Uint8Array {
    this.#count(verdict.rcode);
    return writeUpdateAnswer(handed.message, head, handed.transport, verdict, signature, this.#now());
  }
}

function isForwarded(verdict: TsigVerdict<UpdateKey>, { name }: ZoneRecord): boolean {
  if (verdict.kind === 'invalid') return verdict.error === TSIG_ERROR.BADKEY;
  return verdict.kind === 'valid' && isGranted(verdict.key, 'update', nameOf(name));
}

/** Prerequisites that do not hold: clients ask in this way what there is. */
const EXPECTED: ReadonlySet<number> = new Set([RCODE.NXDOMAIN, RCODE.NXRRSET, RCODE.YXDOMAIN, RCODE.YXRRSET]);

/** The rcode of a command that was not carried out, with the reason for people. */
function verdictOf(problems: readonly Problem[]): UpdateVerdict {
  const { code, message, fix } = problems.find(({ severity }) => severity === 'error') ?? problems[0]!;
  const text = fix === undefined || message.includes(fix) ? message : `${message}; ${fix}`;
  const found = [...UPDATE_CODES].find(([, each]) => each === code);
  const [rcode = RCODE.REFUSED] = found ?? [];
  if (code === 'UPDATE_REFUSED') return { rcode, ede: [EDE.PROHIBITED, text] };
  if (found !== undefined) return { rcode, ede: [EDE.OTHER, text] };
  // Not for those out there: where the store is.
  if (code.startsWith('STORE_')) return notReady(`the store takes no change now (${code})`);
  if (code === 'OVERLOADED') return notReady(message);
  if (code === 'ZONE_NOT_FOUND') return notAuthoritative(message);
  return { rcode, ede: [EDE.OTHER, text] };
}

const MALFORMED: UpdateVerdict = {
  rcode: RCODE.FORMERR,
  ede: [EDE.OTHER, 'a record or the zone section is malformed'],
};

function notReady(text: string): UpdateVerdict {
  return { rcode: RCODE.SERVFAIL, ede: [EDE.NOT_READY, text] };
}

function notAuthoritative(text: string): UpdateVerdict {
  return { rcode: RCODE.NOTAUTH, ede: [EDE.NOT_AUTHORITATIVE, text] };
}

function addressOf({ address }: HandedMessage): string {
  return addressText({ octets: address, length: address.length });
}

/** The same answer to a message that came again: a forwarder may have given it another id. */
function withId(answer: Uint8Array, id: number): Uint8Array {
  const again = answer.slice();
  again[0] = id >> 8;
  again[1] = id & 0xff;
  return again;
}
