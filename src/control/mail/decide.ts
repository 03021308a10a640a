/**
 * What each mail command changes: the policy, a look, a report, an order, time that went by. All of them end in a step (steps.ts).
 * Not here: orders themselves (orders.ts), planning, signing and committing (control/funnel).
 */
import { type Clock } from '#base/clock.ts';
import { atRrset } from '#base/place.ts';
import { type Problem, type Result, fail, hasErrors, ok, warning } from '#base/problem.ts';
import { type Name } from '#dns/name.ts';
import { confirmedFiles, NO_BIMI } from '#mail/bimi/files.ts';
import { type LifecycleEvent } from '#lifecycle/engine.ts';
import { type SpfLook, spfBasis } from '#mail/spf/upkeep.ts';
import { type ReportGround } from '#mail/reports/evidence.ts';
import { newMailState } from '#mail/state.ts';
import { daneWatchWrite } from '#store/mail/dane-watch.ts';
import { type StoredBimiUploads, bimiUploadsWrite, readBimiUploads } from '#store/hosted/bimi-uploads.ts';
import { policyWrite, readMailDocument } from '#store/mail/policy.ts';

import { forgetReports, readReports } from '#store/mail/reports.ts';
import { spfWatchWrite } from '#store/mail/spf-watch.ts';
import { stsWatchWrite } from '#store/mail/sts-watch.ts';
import { readMailState, stateWrites } from '#store/mail/state.ts';
import { type Resolver } from '#dns/resolver.ts';
import { type StoreWriter } from '#store/writer.ts';
import { type Actor } from '#control/api/control.ts';
import { type MailCommand } from '#control/api/mail.ts';
import { noPolicy, zoneNotServed } from '#control/commands/absent.ts';
import { type Decision } from '#control/commands/decision.ts';
import { type CommandOf, type CommandTable, type Handler, type ServedZone, type ZoneContext } from '#control/commands/table.ts';
import { mailEvent, reportEvent, uploadEvent } from '#control/commands/events.ts';
import { type CountedTime } from '#control/lifecycle/counted-time.ts';
import { type ReportCommand, type TakenReport, declareSource, reportGround, takeReport } from '#control/reports/reports.ts';
import { releaseMail } from '#control/zone/managed-records.ts';
import { type SeenNames, nodesOf, seenNames } from '#control/commands/seen-names.ts';
import { nodeHasManager } from '#store/node-codec.ts';
import { isClaimedByOthers, releaseConsents, servedZoneOf } from './consents.ts';
import { checkShare, fileWrites, takeRemoval, takeUpload, uploadWrites } from './bimi.ts';
import { readGiven } from './given.ts';
import { type MailOrder, takeOrder } from './orders.ts';
import { isQuietLook, lookDetail, watchWrite, withLook } from './spf.ts';
import { lookBeforeApply } from './spf-before-apply.ts';
import { type MailChange, type MailSteps, type StoredMail } from './steps.ts';

export interface MailDecisionOptions {
  readonly writer: StoreWriter;
  readonly steps: MailSteps;
  readonly time: CountedTime;
  readonly clock: Clock;
  /** Our own zones from the store, the rest from outside. */
  readonly resolver: Resolver;
  /** Called after each commit. */
  readonly onCommitted: (zone: string, events: readonly LifecycleEvent[]) => void;
}

type MailKind = MailCommand['kind'];
type Changed = Result<MailChange> | Promise<Result<MailChange>>;

/** The mail commands, each with what decides it. */
export function mailHandlers(options: MailDecisionOptions): CommandTable<MailKind> {
  const { steps } = options;
  const withPolicy =
    <C extends MailCommand>(decide: (command: C, mail: ZoneMail, context: ZoneContext) => Changed) =>
    async (command: C, context: ZoneContext): Promise<Result<Decision>> => {
      const { served } = context;
      if (served === undefined) return fail(zoneNotServed(command.zone));
      const stored = steps.stored(served.record);
      if (stored === undefined) return fail(noPolicy(served.record.name));
      return decisionOf(await decide(command, { ...served, ...stored }, context), command, served, options);
    };
  const report: Handler<ReportCommand> = {
    decide: withPolicy((command: ReportCommand, mail) => takeIn(command, mail, options)),
  };
  const order: Handler<MailOrder> = {
    decide: withPolicy((command: MailOrder, mail, context) => obey(command, mail, context, steps)),
  };
  const remove = (seen: SeenNames | undefined) =>
    withPolicy(({ records }: CommandOf<'mail.remove'>, mail) => ok(withoutPolicy(records, mail, options, seen)));
  return {
    'mail.apply': {
      look: (command) => lookAhead(command, options),
      decide: (command, context) => apply(command, context, NOTHING_SEEN, options),
    },
    'mail.remove': {
      look: async (command) => {
        const seen = await seenNames(options.writer, command.zone, (node) => nodeHasManager(node, 'mail'));
        return ok((context) => remove(seen)(command, context));
      },
      decide: remove(undefined),
    },
    'bimi.upload': {
      decide: (command, context) => hostLogo(command, context, (before) => takeUpload(command, before, options.clock.nowMs()), options),
    },
    'bimi.remove': { decide: (command, context) => hostLogo(command, context, (before) => takeRemoval(command, before), options) },
    'mta-sts.mode': { decide: withPolicy(({ mode }, mail, context) => setStsMode(mode, mail, context, options)) },
    'spf.take': { isUpkeep: true, decide: withPolicy(({ look }, mail) => takeSpf(look, mail, steps)) },
    'dmarc.report': report,
    'dmarc.source': { decide: withPolicy((command, mail, context) => declare(command, mail, context, options)) },
    'mta-sts.report': report,
    'lifecycle.tick': {
      isUpkeep: true,
      decide: withPolicy(({ observations }, mail) => steps.step(mail, mail, { observations, detail: 'due', isQuiet: true })),
    },
    // A key that was stolen is revoked on a full disk too.
    'dkim.revoke': { ...order, isUpkeep: true },
    'dkim.rotate': order,
    'dkim.ack': order,
    'dkim.add': order,
    'dmarc.ramp': order,
    'tlsa.next': order,
    'tlsa.activated': order,
    'tlsa.abandon': order,
    'lifecycle.hold': order,
    'lifecycle.resume': order,
    'lifecycle.override': order,
  };
}

/** A served zone with its mail. */
type ZoneMail = ServedZone & StoredMail;

/** Kinds whose decision holds a new time even when nothing changes. */
const TIMED: ReadonlySet<MailKind> = new Set(['lifecycle.tick', 'spf.take']);

function decisionOf(
  changed: Result<MailChange>,
  { kind }: MailCommand,
  { record: { name } }: ServedZone,
  { steps, onCommitted }: MailDecisionOptions,
): Result<Decision> {
  if (!changed.ok) return changed;
  const { keys, events, parts, ...rest } = changed.value;
  const isReport = kind === 'dmarc.report' || kind === 'mta-sts.report';
  return ok({
    ...rest,
    zone: name,
    parts: parts.filter(({ changes }) => typeof changes === 'function' || changes.length > 0),
    events: [...(isReport ? [reportEvent(name, rest.detail)] : []), ...events.map((each) => mailEvent(name, each))],
    isAlwaysWritten: TIMED.has(kind),
    afterCommit: () => {
      steps.committed(name, keys);
      onCommitted(name, events);
    },
  });
}

// --- the policy ---

/** What was looked up before a policy's turn. */
interface Seen {
  readonly problems: readonly Problem[];
  /** What SPF needs of others; null: what was known is forgotten; undefined: it stays. */
  readonly spf?: SpfLook | null;
}

const NOTHING_SEEN: Seen = { problems: [] };

/** Looks up what the SPF record of a new policy would cost. */
async function lookAhead(
  command: CommandOf<'mail.apply'>,
  options: MailDecisionOptions,
): Promise<Result<(context: ZoneContext) => Promise<Result<Decision>>>> {
  const { writer, steps, resolver } = options;
  const later = (seen: Seen) => ok((context: ZoneContext) => apply(command, context, seen, options));
  const record = writer.zoneByName(command.zone);
  if (record === undefined) return later(NOTHING_SEEN);
  const given = readGiven(command.policy, command.zone);
  if (!given.ok) return given;
  if (!given.value.policy.spf.isEnabled) return later({ problems: [], spf: null });
  const { spf, problems } = await lookBeforeApply(steps, record, given.value.policy, resolver);
  return hasErrors(problems) ? fail(...problems, ...given.value.problems) : later({ problems, spf });
}

async function apply(
  command: CommandOf<'mail.apply'>,
  { served, mayChange }: ZoneContext,
  seen: Seen,
  options: MailDecisionOptions,
): Promise<Result<Decision>> {
  if (served === undefined) return fail(zoneNotServed(command.zone));
  return decisionOf(await applyPolicy(command, { ...served, mayChange }, seen, options), command, served, options);
}

async function applyPolicy(
  { policy: text, takeOver = false }: Pick<CommandOf<'mail.apply'>, 'policy' | 'takeOver'>,
  { mayChange, ...zone }: ServedZone & Pick<ZoneContext, 'mayChange'>,
  { spf, problems: seen }: Seen,
  { writer, steps, time }: MailDecisionOptions,
): Promise<Result<MailChange>> {
  const { record, view } = zone;
  const given = readGiven(text, view.apex);
  if (!given.ok) return given;
  const { document, policy, problems } = given.value;
  const before = readMailDocument(writer, record);
  const known = readMailState(writer, record.id) ?? newMailState(view, view.apex, time.nowMs());
  const state = spf == null ? known : withLook(known, spf);
  const request = { isTakeOver: takeOver, isStrict: true, mayChange, detail: 'mail policy' };
  const stepped = await steps.step(zone, { policy, state }, request);
  if (!stepped.ok) return fail(...stepped.problems, ...problems, ...seen);
  return ok({
    ...stepped.value,
    documents: [
      policyWrite(record.id, document),
      ...stepped.value.documents,
      ...(spf === undefined ? [] : [watchWrite(record.id, policy, spf ?? undefined)]),
    ],
    warnings: [...problems, ...seen, ...stepped.value.warnings],
    isChanged: stepped.value.isChanged || JSON.stringify(before) !== JSON.stringify(document),
  });
}

async function setStsMode(
  mode: CommandOf<'mta-sts.mode'>['mode'],
  zone: ZoneMail,
  { mayChange }: ZoneContext,
  options: MailDecisionOptions,
): Promise<Result<MailChange>> {
  const policy = { ...zone.document, mtaSts: { ...zone.document.mtaSts, mode } };
  const applied = await applyPolicy({ policy }, { ...zone, mayChange }, NOTHING_SEEN, options);
  return applied.ok ? ok({ ...applied.value, detail: `MTA-STS mode ${mode}` }, applied.warnings) : applied;
}

function withoutPolicy(
  records: 'keep' | 'delete',
  zone: ZoneMail,
  { writer, time }: MailDecisionOptions,
  seen: SeenNames | undefined,
): MailChange {
  const { record, view, state } = zone;
  const nodes = nodesOf(view, record, seen);
  const secrets = state.dkim.lifecycle.objects.flatMap(({ data }) => data.secretId ?? []);
  const isClaimed = (owner: Name): boolean => isClaimedByOthers(writer, record, owner);
  const changes = releaseMail(nodes, records, isClaimed);
  return {
    parts: [{ record, view, changes }, ...releaseConsents(writer, record, records)],
    documents: [
      policyWrite(record.id, null),
      ...stateWrites(record.id, null),
      spfWatchWrite(record.id, null),
      daneWatchWrite(record.id, null),
      stsWatchWrite(record.id, null),
      ...forgetReports(record.id),
      ...fileWrites(writer, record.id, { uploads: readBimiUploads(writer, record.id), fresh: new Map() }, undefined),
      time.write(),
    ],
    secrets: secrets.map((id) => ({ zoneId: record.id, id, value: null })),
    keys: [],
    events: [],
    detail: `mail policy removed${records === 'keep' ? ', its records are manual now' : ' with its records'}`,
    note: {},
    warnings: records === 'keep' ? keptRecordWarnings(state, record.name) : [],
    isChanged: true,
    isQuiet: false,
  };
}

/** A record that stays says where a logo is; without the policy it is served no more. */
function keptRecordWarnings({ bimi = NO_BIMI }: StoredMail['state'], zone: string): Problem[] {
  const files = confirmedFiles(bimi);
  if (files === undefined) return [];
  const at = atRrset(`${files.data.selector}._bimi.${zone}`, 'TXT');
  const fix = 'delete the record, or lead it to another server';
  return [warning('MAIL_BIMI_HOST', at, 'the record stays, and the logo that it names is no longer served here', { fix })];
}

/** What is uploaded or taken back, with what follows from it where the zone has a mail policy. */
async function hostLogo(
  command: CommandOf<'bimi.upload' | 'bimi.remove'>,
  { served }: ZoneContext,
  take: (before: StoredBimiUploads) => ReturnType<typeof takeUpload>,
  options: MailDecisionOptions,
): Promise<Result<Decision>> {
  if (served === undefined) return fail(zoneNotServed(command.zone));
  const { writer, steps } = options;
  const { id, name } = served.record;
  const taken = take(readBimiUploads(writer, id));
  if (!taken.ok) return taken;
  const { detail, warnings, isChanged, ...uploading } = taken.value;
  const stored = steps.stored(served.record);
  const full = stored === undefined ? checkShare(writer, served.record, uploading) : [];
  if (hasErrors(full)) return fail(...full);
  const stepped = stored === undefined ? ok(noStep(detail)) : await steps.step(served, stored, { detail, uploading });
  if (!stepped.ok) return fail(...stepped.problems, ...warnings);
  const files = stored === undefined ? uploadWrites(writer, id, uploading, undefined) : [bimiUploadsWrite(id, uploading.uploads)];
  const change = {
    ...stepped.value,
    documents: [...stepped.value.documents, ...files],
    warnings: [...warnings, ...stepped.value.warnings],
  };
  const decided = decisionOf(ok({ ...change, isChanged: isChanged || change.isChanged }), command, served, options);
  if (!decided.ok || !isChanged) return decided;
  return ok({ ...decided.value, events: [uploadEvent(name, detail), ...(decided.value.events ?? [])] });
}

/** Of a zone without a mail policy. */
function noStep(detail: string): MailChange {
  const nothing = { parts: [], documents: [], secrets: [], keys: [], events: [], warnings: [] };
  return { ...nothing, detail, note: {}, isChanged: false, isQuiet: false };
}

// --- what was seen ---

/** Publishes what a look found. A look under an older policy is discarded: the change of policy made its own look. */
async function takeSpf(look: SpfLook, zone: ZoneMail, steps: MailSteps): Promise<Result<MailChange>> {
  const { record, policy, state } = zone;
  if (look.basis !== spfBasis({ policy: policy.spf })) return steps.step(zone, zone, { detail: 'due', isQuiet: true });
  // A hold on all of a zone's mail: looks continue and report, and the records stay.
  const isHeld = state.dkim.lifecycle.hold !== undefined;
  const detail = `${lookDetail(look)}${isHeld ? '; held, records stay as they are' : ''}`;
  const request = { detail, isQuiet: isQuietLook(look) };
  const stepped = await steps.step(zone, { policy, state: isHeld ? state : withLook(state, look) }, request);
  if (!stepped.ok) return stepped;
  return ok({ ...stepped.value, documents: [...stepped.value.documents, watchWrite(record.id, policy, look)] });
}

/** A report, with what follows from all of them now. */
function takeIn(command: ReportCommand, zone: ZoneMail, { writer, steps }: MailDecisionOptions): Promise<Result<MailChange>> {
  const apexOf = (name: Name) => servedZoneOf(writer, name)?.view.apex;
  const reportZone = { id: zone.record.id, view: zone.view, apexOf };
  const taken = takeReport(reportZone, command, groundOf(zone, writer), steps.facts(zone.view));
  const isQuiet = command.kind === 'mta-sts.report' && command.isPosted === true;
  return withEvidence(taken, zone, steps, isQuiet);
}

/** The operator's word on a source, with what follows from it. */
function declare(
  command: CommandOf<'dmarc.source'>,
  zone: ZoneMail,
  { actor }: ZoneContext,
  { writer, steps }: MailDecisionOptions,
): Promise<Result<MailChange>> {
  const facts = steps.facts(zone.view);
  const taken = declareSource(zone.record.id, command, groundOf(zone, writer), nameOf(actor), facts);
  return withEvidence(taken, zone, steps, false);
}

function groundOf({ record, view, policy, state }: ZoneMail, writer: StoreWriter): ReportGround {
  return reportGround(readReports(writer, record.id), view, policy, state);
}

type Taken = Result<TakenReport>;

/** `isQuiet`: strangers may send as many as they like, and the audit log is not theirs. */
async function withEvidence(taken: Taken, zone: ZoneMail, steps: MailSteps, isQuiet: boolean): Promise<Result<MailChange>> {
  if (!taken.ok) return taken;
  const { reports, documents, detail, warnings, isNew } = taken.value;
  const stepped = await steps.step(zone, zone, { reports, detail, isQuiet });
  if (!stepped.ok) return stepped;
  return ok({
    ...stepped.value,
    documents: [...stepped.value.documents, ...documents],
    note: { text: stepped.value.detail },
    warnings: [...warnings, ...stepped.value.warnings],
    isChanged: isNew || stepped.value.isChanged,
  });
}

// --- orders ---

/** For histories: `token deploy`. */
function nameOf({ kind, id }: Actor): string {
  return kind === 'socket' ? 'administrator' : `${kind} ${id}`;
}

async function obey(command: MailOrder, zone: ZoneMail, { actor, mayChange }: ZoneContext, steps: MailSteps): Promise<Result<MailChange>> {
  const { policy, state, view } = zone;
  const order = takeOrder(command, { domain: view.apex, policy, state, view, facts: steps.facts(view), by: nameOf(actor) });
  if (!order.ok) return order;
  const { newKeys, detail, events, note } = order.value;
  const stepped = await steps.step(zone, { policy, state: order.value.state }, { newKeys, detail, mayChange });
  if (!stepped.ok) return stepped;
  return ok({
    ...stepped.value,
    events: [...events, ...stepped.value.events],
    note: { ...stepped.value.note, ...note },
    isChanged: true,
  });
}
