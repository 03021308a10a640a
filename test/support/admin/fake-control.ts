/**
 * A ControlApi in memory: real parsing, real RRset operations, real zones; no signing, no store, no processes. Good enough to test
 * what stands in front of it.
 */
import { type Acknowledgement, type AlertView, type AlertsApi, type TestedTarget } from '#control/api/alerts.ts';
import { KEY_POLICY } from '#dnssec/key-policy.ts';
import { good } from '../temporary-control.ts';
import { policyFromZone } from '#mail/import.ts';
import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto';
import { auditKeyId, signAuditHead } from '#store/audit/signed-head.ts';
import { assert } from '#base/assert.ts';
import { WHOLE, inUrl } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem } from '#base/problem.ts';
import type {
  AuditApi,
  AuditSigner,
  AuditView,
  Command,
  ControlApi,
  ControlStatus,
  MailApi,
  Outcome,
  RefusedAttempt,
  RunOptions,
  TokensApi,
  WorkersApi,
  ListedZone,
  ZonesApi,
} from '#control/api/control.ts';
import { type TokenScope } from '#control/api/tokens.ts';
import { type CertificateSummary } from '#control/api/certificates.ts';
import { noPolicy } from '#control/commands/absent.ts';
import { newZoneChanges } from '#control/zone/new-zone.ts';
import { decideOperations } from '#control/zone/rrset-operations.ts';
import { checkToken, newToken, tokenInfo } from '#control/tokens/tokens.ts';
import { compareKeys, formatName, isAtOrBelow, lowerName, nameOf, ownerKey } from '#dns/name.ts';
import { sortRdatas } from '#dns/rrset.ts';
import { TYPE } from '#dns/types.ts';
import { parseZoneFile } from '#dns/zone-file.ts';
import type { ZoneLabels } from '#store/powerdns/labels.ts';
import type { TokenRecord, ZoneRecord } from '#store/schema.ts';
import { changesetLines } from '#zone/changeset-text.ts';
import { type Changeset, type RrsetChange, diffZones, revertChanges, serialOf, withSoaSerial } from '#zone/changeset.ts';
import { lookup, zoneSet } from '#zone/lookup.ts';
import { rrsetOf } from '#zone/view.ts';
import { type MemoryZone, type ZoneRrset, memoryZone, zoneRrsets } from '#zone/zone.ts';
import { MemoryEvents } from '../memory-events.ts';
import { memoryKeptAnswers } from './memory-kept-answers.ts';

interface FakeZone {
  readonly record: ZoneRecord;
  readonly view: MemoryZone;
}

interface Journal {
  readonly zone: string;
  readonly revision: number;
  readonly atMs: number;
  readonly changeset: Changeset;
}

/** Planted beside the public side of each key; no answer may ever hold it. */
export const PRIVATE_MARKER = 'PRIVATE-KEY-OCTETS';

/** What it says to commands that it does not carry out. */
export const NOT_PLAYED = 'this stand-in keeps no mail policies';

/** 2026-01-01. */
export const START_MS = 1_767_225_600_000;

/** Their register has tests of its own, with a real one. */
const noSigner = () => Promise.resolve(fail(problem('SIGNER_NOT_FOUND', WHOLE, 'there is no signer')));
const NO_SIGNERS: ControlApi['signers'] = {
  list: () => [],
  find: () => undefined,
  add: noSigner,
  remove: noSigner,
  addPublicKey: noSigner,
  keys: noSigner,
  rspamdKeys: noSigner,
  acknowledge: noSigner,
  exportNow: noSigner,
};

/** Keys and secondaries have tests of their own, with a real control. */
const noKey = () => Promise.resolve(fail(problem('TSIG_KEY_NOT_FOUND', WHOLE, 'there is no TSIG key')));
const NO_TRANSFER: ControlApi['transfer'] = {
  keys: () => [],
  createKey: noKey,
  revokeKey: noKey,
  secondaries: () => [],
  primaries: () => undefined,
  catalogs: { list: () => [], followed: () => undefined, members: () => ok([]) },
};

/** Of the key whose seed is zeros. */
function fakeSigner(): AuditSigner {
  const head = Buffer.from('302e020100300506032b657004220420', 'hex');
  const key = createPrivateKey({ key: Buffer.concat([head, Buffer.alloc(32)]), format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey(key);
  const about = { installation: 'fake', at: '2026-01-01T00:00:00.000Z' };
  return {
    keyId: auditKeyId(publicKey),
    publicKey: publicKey.export({ format: 'pem', type: 'spki' }),
    sign: (from, sequence, hash) => signAuditHead({ ...about, from, sequence, hash }, key, publicKey),
  };
}

/** What begins and ends them has tests of its own. */
class FakeAlerts implements AlertsApi {
  all: AlertView[] = [];
  tested: TestedTarget[] = [];
  list = () => this.all;
  get = (id: string) => this.all.find((each) => each.id === id);
  targets = () => this.tested.map(({ target }) => target);
  test = (_actor: unknown, dryRun: boolean) =>
    Promise.resolve(ok(dryRun ? this.tested.map(({ target }) => ({ target, failure: 'not tried' })) : this.tested));

  acknowledge(id: string, { actor, reason }: Acknowledgement, dryRun: boolean): Promise<Result<AlertView>> {
    const found = this.get(id);
    if (found === undefined) return Promise.resolve(fail(problem('ALERT_NOT_FOUND', WHOLE, 'there is no alert')));
    const acknowledged = { by: actor.id, atMs: START_MS, ...(reason === undefined ? {} : { reason }) };
    const after: AlertView = { ...found, state: 'acknowledged', acknowledged };
    if (!dryRun) this.all = this.all.map((each) => (each.id === id ? after : each));
    return Promise.resolve(ok(after));
  }
}

export class FakeControl implements ControlApi {
  readonly zoneMap = new Map<string, FakeZone>();
  readonly tokenMap = new Map<string, TokenRecord>();
  readonly labelMap = new Map<string, ZoneLabels>();
  readonly signers = NO_SIGNERS;
  /** What `/v1/status` says of all certificates. */
  certificateSummary: CertificateSummary = { count: 0, inTrouble: 0, first: [], isPartial: false };
  policyHost: ControlStatus['policyHost'];
  readonly certificates: ControlApi['certificates'] = { list: () => [], summary: () => this.certificateSummary };
  readonly dnssec: ControlApi['dnssec'] = {
    view: () => ({ policy: KEY_POLICY, rollovers: [] }),
    policies: () => [{ name: 'default', policy: KEY_POLICY, zones: 1 }],
    setPolicy: (name, _change, { dryRun }) =>
      Promise.resolve(ok({ name, policy: KEY_POLICY, zones: 0, changed: true, dryRun, plan: [], warnings: [] })),
    removePolicy: (name, { dryRun }) =>
      Promise.resolve(ok({ name, policy: KEY_POLICY, zones: 0, changed: true, dryRun, plan: [], warnings: [] })),
    acceptClock: () => Promise.resolve(ok(undefined)),
    freeze: () => undefined,
    setFreeze: (reason) => Promise.resolve(ok(reason === undefined ? undefined : { reason, by: 'test', atMs: 0 })),
  };
  readonly dnssecKeys: ControlApi['dnssecKeys'] = { export: () => Promise.resolve(fail(problem('DNSSEC_OFF', WHOLE, 'it has no keys'))) };
  readonly checks: ControlApi['checks'] = {
    delegation: {
      check: () => Promise.resolve(ok({ isAcceptable: true, findings: [], ns: [], serial: 1, hosts: [], parent: [] })),
    },
    zone: {
      check: ({ name, serial }) => Promise.resolve(ok({ zone: name, atMs: START_MS, serial, verdict: 'passed', results: [], omitted: 0 })),
    },
  };
  readonly keys: ControlApi['keys'] = { reseal: () => Promise.resolve(fail(problem('KEK_CHANGE', WHOLE, 'there is no store'))) };
  readonly backups: ControlApi['backups'] = {
    list: () => Promise.resolve(ok({ folder: '/backups', backups: [], bad: [] })),
    create: () => Promise.resolve(ok({ kind: 'running' })),
    review: () => Promise.resolve({ zones: 1, findings: [], unanswered: [] }),
    resume: () => Promise.resolve(ok(undefined)),
  };
  readonly delegation: ControlApi['delegation'] = { view: () => ({ children: [], isCut: false }) };
  readonly transfer = NO_TRANSFER;
  readonly alerts = new FakeAlerts();
  readonly kept = memoryKeptAnswers();
  readonly keptAnswers: ControlApi['keptAnswers'] = this.kept.answers;
  readonly events = new MemoryEvents();
  readonly journal: Journal[] = [];
  readonly auditLog: AuditView[] = [];
  readonly refusedAttempts: RefusedAttempt[] = [];
  readonly commands: { readonly command: Command; readonly options: RunOptions }[] = [];
  generation = 0;
  nowMs = START_MS;
  servesChanges = true;
  notReady: string[] = [];
  noChanges: string[] = [];
  failure: Error | undefined;

  async run(command: Command, options: RunOptions): Promise<Result<Outcome>> {
    await Promise.resolve();
    if (this.failure !== undefined) throw this.failure;
    this.commands.push({ command, options });
    const name = formatName(lowerName(command.zone));
    const before = this.zoneMap.get(name);
    const refusal = options.precondition?.(before?.record, before?.view);
    if (refusal !== undefined) return fail(refusal);
    const decided = this.#decide(command, before);
    if (!decided.ok) return decided;
    const { view, dnssec, changeset } = decided.value;
    const changed = view !== before?.view || dnssec !== before?.record.dnssec;
    const revision = changed ? this.generation + 1 : (before?.record.revision ?? this.generation);
    const serial = view === undefined ? 0 : serialOf(view);
    if (changed && !options.dryRun) {
      this.generation = revision;
      if (view === undefined) this.zoneMap.delete(name);
      else this.zoneMap.set(name, { view, record: this.#recordOf(name, dnssec, view, before?.record) });
      this.journal.unshift({ zone: name, revision, atMs: this.nowMs, changeset });
      this.#log(options.actor, command.kind, name);
    }
    const outcome: Outcome = {
      zone: name,
      serial,
      revision,
      changed,
      created: before === undefined,
      dryRun: options.dryRun,
      changeset: { ...changesetLines(changeset, 100) },
      warnings: decided.warnings,
    };
    return ok(outcome);
  }

  #decide(
    command: Command,
    before: FakeZone | undefined,
  ): Result<{ view: MemoryZone | undefined; dnssec: 'on' | 'off'; changeset: Changeset }> {
    const apex = command.zone;
    const empty: Changeset = { zone: apex, fromSerial: 0, toSerial: 0, deleted: [], added: [] };
    const result = (view: MemoryZone, dnssec: 'on' | 'off', warnings: readonly Problem[] = []) =>
      ok({ view, dnssec, changeset: diffZones(before?.view, view) }, warnings);
    if (command.kind === 'zone.create') {
      if (before !== undefined) return fail(problem('ZONE_EXISTS', WHOLE, `${formatName(apex)} exists already`));
      const { operations, dnssec: signed } = command;
      const made = operations === undefined ? newZoneChanges(apex, command) : decideOperations(memoryZone(apex, []), operations, signed);
      if (!made.ok) return made;
      const rrsets = made.value.flatMap(({ owner, type, rrset }) => (rrset === null ? [] : [{ owner, type, ...rrset }]));
      return result(memoryZone(apex, rrsets), command.dnssec ? 'on' : 'off');
    }
    if (command.kind === 'zone.import') {
      const parsed = parseZoneFile(command.text, { ...command.bounds, file: command.file, origin: apex });
      if (parsed.problems.some((each) => each.severity === 'error')) return fail(...parsed.problems);
      const sets = new Map<string, ZoneRrset>();
      for (const { owner, type, ttl, rdata } of parsed.records) {
        const id = `${type} ${ownerKey(owner)}`;
        sets.set(id, { owner, type, ttl, rdatas: sortRdatas(type, [...(sets.get(id)?.rdatas ?? []), rdata]) });
      }
      const view = memoryZone(apex, sets.values());
      const difference = before === undefined ? undefined : diffZones(before.view, view);
      if (before !== undefined && difference?.deleted.length === 0 && difference.added.length === 0)
        return result(before.view, before.record.dnssec, parsed.problems);
      return result(view, before?.record.dnssec ?? (command.dnssec ? 'on' : 'off'), parsed.problems);
    }
    if (before === undefined) return fail(problem('ZONE_NOT_FOUND', WHOLE, `there is no zone ${formatName(apex)}`));
    const { dnssec } = before.record;
    switch (command.kind) {
      case 'zone.remove':
        return ok({ view: undefined, dnssec, changeset: empty });
      case 'zone.dnssec':
        return ok({ view: before.view, dnssec: command.dnssec ? 'on' : 'off', changeset: empty });
      case 'zone.labels':
        this.labelMap.set(before.record.name, { ...this.labelMap.get(before.record.name), ...command.labels });
        return ok({ view: before.view, dnssec, changeset: empty });
      case 'zone.denial':
      case 'zone.zonemd':
        return ok({ view: before.view, dnssec, changeset: empty });
      case 'rrsets.change': {
        const changes = decideOperations(before.view, command.operations, dnssec === 'on');
        if (!changes.ok) return changes;
        const isApexSoa = ({ owner, type }: RrsetChange) => type === TYPE.SOA && ownerKey(owner) === before.view.apexKey;
        // The rules of zones themselves are tested on the real one.
        if (changes.value.some((each) => isApexSoa(each) && each.rrset === null))
          return fail(problem('SOA_MISSING', WHOLE, 'the zone would have no SOA record'));
        return result(applied(before.view, changes.value), dnssec, changes.warnings);
      }
      case 'zone.revert': {
        const entry = this.journal.find((each) => each.zone === before.record.name && each.changeset.toSerial === command.serial);
        if (entry === undefined) return fail(problem('CHANGE_NOT_FOUND', WHOLE, `no change led to serial ${command.serial}`));
        const changes = revertChanges(before.view, entry.changeset);
        return changes.ok ? result(applied(before.view, changes.value), dnssec) : changes;
      }
      default:
        return fail(problem('MAIL_NO_POLICY', WHOLE, NOT_PLAYED));
    }
  }

  /** Mail is tested on the real one (test/control/mail.test.ts). */
  #recordOf(name: string, dnssec: 'on' | 'off', view: MemoryZone, before: ZoneRecord | undefined): ZoneRecord {
    const key = {
      id: 'k1',
      keyTag: 12_345,
      algorithm: 13,
      role: 'csk',
      flags: 257,
      state: 'active',
      createdAtMs: this.nowMs,
      dnskey: 'AQEDDQ==',
      secret: PRIVATE_MARKER,
    } as const;
    return {
      id: before?.id ?? this.generation,
      name,
      dnssec,
      serial: serialOf(view),
      revision: this.generation,
      nodeCount: view.size,
      createdAtMs: before?.createdAtMs ?? this.nowMs,
      changedAtMs: this.nowMs,
      keys: dnssec === 'on' ? [key] : [],
    };
  }

  #log(actor: RunOptions['actor'], action: string, zone?: string): void {
    const sequence = this.auditLog.length + 1;
    const { reason, ...who } = actor;
    const why = reason === undefined ? {} : { reason };
    const entry = { sequence, generation: sequence, version: 2, atMs: this.nowMs, actor: who, action, detail: '', ...why };
    this.auditLog.unshift(zone === undefined ? entry : { ...entry, zone });
  }

  status(): ControlStatus {
    return {
      version: '0.0.0-fake',
      startedAtMs: START_MS,
      nowMs: this.nowMs,
      generation: this.generation,
      zoneCount: this.zoneMap.size,
      workers: [{ id: 1, alive: true, generation: this.generation }],
      listeners: { dns: ['127.0.0.1:5300'], admin: '127.0.0.1:8053', socket: '/data/admin.sock' },
      store: { path: '/data/store', sizeBytes: 4096, freeBytes: 1_000_000, kekFile: '/keys/kek' },
      ...(this.policyHost === undefined ? {} : { policyHost: this.policyHost }),
      notReady: this.notReady,
      noChanges: this.noChanges,
    };
  }

  metrics(): ReturnType<ControlApi['metrics']> {
    const samples = [
      { labels: { transport: 'udp' }, value: 7 },
      { labels: { transport: 'tcp' }, value: 2 },
    ];
    return [
      { name: 'waxseal_queries_total', help: 'Queries answered.', type: 'counter', samples },
      { name: 'waxseal_absent', help: 'Nothing has it.', type: 'gauge', samples: [] },
      { name: 'waxseal_zones', help: 'Zones served.', type: 'gauge', samples: [{ labels: {}, value: this.zoneMap.size }] },
    ];
  }

  #sorted(): readonly ListedZone[] {
    const zones = this.zones.list().map((record) => ({ record, apexKey: ownerKey(nameOf(record.name)) }));
    return zones.toSorted((a, b) => compareKeys(a.apexKey, b.apexKey));
  }

  readonly zones: ZonesApi = {
    list: () => [...this.zoneMap.values()].map((zone) => zone.record),
    after: (apexKey, limit) =>
      this.#sorted()
        .filter((zone) => apexKey === undefined || zone.apexKey > apexKey)
        .slice(0, limit),
    atOrBelow: (key) => this.#sorted().filter(({ apexKey }) => isAtOrBelow(apexKey, key)),
    byKey: (key) => this.#sorted().find(({ apexKey }) => apexKey === key)?.record,
    find: (name) => this.zoneMap.get(formatName(lowerName(name)))?.record,
    view: (record) => {
      const zone = this.zoneMap.get(record.name);
      assert(zone !== undefined, 'view of a zone that is gone');
      return zone.view;
    },
    aliases: () => [],
    shown: (record) => this.zones.view(record),
    holdShown: (record) => ({ view: this.zones.view(record), release: () => undefined }),
    changes: (record, limit, beforeRevision = Infinity) => {
      const found = this.journal.filter((each) => each.zone === record.name && each.revision < beforeRevision);
      const shown = found
        .slice(0, limit)
        .map(({ revision, atMs, changeset }) => ({ revision, atMs, changeset: changesetLines(changeset, 100) }));
      return Promise.resolve(shown);
    },
    difference: (record) => Promise.resolve(fail(problem('VERSION_NOT_KEPT', WHOLE, `this stand-in compares nothing of ${record.name}`))),
    labels: (record) => this.labelMap.get(record.name) ?? {},
    ds: (record) => {
      const dnskey = { flags: 257, protocol: 3, algorithm: 13, publicKey: 'AQ==' } as const;
      const form = { keyTag: 12_345, algorithm: 13, digest: 'AB'.repeat(32), dnskey, secret: PRIVATE_MARKER };
      return ([2, 4] as const).map((digestType) => {
        return { ...form, digestType, record: `${record.name} 3600 IN DS 12345 13 ${digestType} ${form.digest}` };
      });
    },
    query: (name, type, dnssecOk) => {
      const zones = zoneSet([...this.zoneMap.values()].map(({ view }) => ({ view, signed: false })));
      return lookup(zones, { name, type, class: 1 }, dnssecOk);
    },
    resolver: { lookup: () => Promise.resolve({ kind: 'nxdomain' }) },
    contents: { find: () => Promise.resolve(undefined) },
  };

  readonly mail: MailApi = {
    view: () => undefined,
    bimi: () => ({ uploads: [], served: [], lines: [] }),
    bimiFile: () => undefined,
    proposal: (record) => Promise.resolve(policyFromZone(this.zones.view(record))),
    liveTlsa: (record) => Promise.resolve(fail(noPolicy(record.name))),
  };

  readonly audit: AuditApi = {
    entries: (limit, beforeSequence = Infinity) => this.auditLog.filter((each) => each.sequence < beforeSequence).slice(0, limit),
    range: () => ({ from: 1, last: this.auditLog.length }),
    texts: (after, limit) =>
      this.auditLog
        .toReversed()
        .slice(after, after + limit)
        .map((entry) => ({ sequence: entry.sequence, json: JSON.stringify(entry) })),
    verify: () => ({ entries: this.auditLog.length, from: 1 }),
    head: () => Promise.resolve(ok(fakeSigner().sign(1, this.auditLog.length, '00'))),
    signer: () => Promise.resolve(ok(fakeSigner())),
    refused: (attempt) => void this.refusedAttempts.push(attempt),
  };

  readonly workers: WorkersApi = { waitServed: () => Promise.resolve(this.servesChanges) };

  readonly tokens: TokensApi = {
    list: () => [...this.tokenMap.values()].map(tokenInfo),
    create: async (wanted, actor) => {
      await Promise.resolve();
      const { record: made, text } = newToken(wanted, randomBytes, this.nowMs);
      this.tokenMap.set(made.id, made);
      this.#log(actor, 'token.create');
      return ok({ info: tokenInfo(made), secret: text });
    },
    revoke: async (id, actor, dryRun = false) => {
      await Promise.resolve();
      if (!this.tokenMap.has(id)) return fail(problem('TOKEN_NOT_FOUND', inUrl('id'), `there is no token ${JSON.stringify(id)}`));
      this.#log(actor, 'token.revoke');
      if (!dryRun) this.tokenMap.delete(id);
      return ok(undefined);
    },
    authenticate: (secret, from) => checkToken(secret, (id) => this.tokenMap.get(id), { nowMs: this.nowMs, from }),
  };
}

/** The zone after `changes`, with the next serial; the same zone when they change nothing. */
function applied(view: MemoryZone, changes: readonly RrsetChange[]): MemoryZone {
  const touched = new Set(changes.map(({ owner, type }) => `${type} ${ownerKey(owner)}`));
  const kept = [...zoneRrsets(view)].filter(({ owner, type }) => !touched.has(`${type} ${ownerKey(owner)}`));
  const set = changes.flatMap(({ owner, type, rrset }) => (rrset === null ? [] : [{ owner, type, ...rrset }]));
  const edited = memoryZone(view.apex, [...kept, ...set]);
  const difference = diffZones(view, edited);
  if (difference.deleted.length + difference.added.length === 0) return view;
  const soa = rrsetOf(edited.node(edited.apexKey), TYPE.SOA);
  assert(soa !== undefined, 'fake zone without SOA');
  const rdatas = [withSoaSerial(soa.rdatas[0]!, serialOf(view) + 1)];
  const others = [...zoneRrsets(edited)].filter(({ type }) => type !== TYPE.SOA);
  return memoryZone(view.apex, [...others, { owner: view.apex, type: TYPE.SOA, ttl: soa.ttl, rdatas }]);
}

/** A FakeControl with the zone example.com (unsigned) and a token for each scope. */
export async function fakeWithZone(): Promise<{
  control: FakeControl;
  tokens: Record<'admin' | 'read' | 'zone' | 'other', string>;
}> {
  const control = new FakeControl();
  const actor = { kind: 'system', id: 'test', from: '' } as const;
  const text = [
    '@ 3600 SOA ns hostmaster 1 3600 600 86400 300',
    '@ 3600 NS ns',
    'ns 3600 A 192.0.2.53',
    'www 300 A 192.0.2.1',
    'www 300 A 192.0.2.2',
    '@ 3600 MX 10 mail',
    'mail 3600 A 192.0.2.25',
    '*.wild 60 TXT "any"',
  ].join('\n');
  const made = await control.run(
    { kind: 'zone.import', zone: nameOf('example.com'), text, file: 'example.com.zone', dnssec: false },
    { actor, dryRun: false },
  );
  assert(made.ok, 'fake zone');
  const token = async (...scopes: TokenScope[]) => good(await control.tokens.create({ name: scopes.join(), scopes }, actor)).secret;
  const tokens = {
    admin: await token('admin'),
    read: await token('read'),
    zone: await token('zone:example.com.'),
    other: await token('zone:other.test.'),
  };
  return { control, tokens };
}
