/**
 * How the mail of a zone stands, for people. Not here: its form in the API (admin/v1/mail), what a step would do (steps.ts).
 */
import { setImmediate as turn } from 'node:timers/promises';
import { type Clock } from '#base/clock.ts';
import { MAIL_IMPORT_OTHERS_MAX } from '#base/limits/mail.ts';
import { fail } from '#base/problem.ts';
import { isHostedFileName } from '#mail/bimi/hosted-file.ts';
import { type OtherRecord, MAIL_RECORD_TYPES, otherProblems, unseenRecords } from '#mail/import-rest.ts';
import { gatherPolicy } from '#mail/import.ts';
import { deployTimes } from '#mail/dane/lifecycle.ts';
import { comingDkimKeys } from '#mail/dkim/coming.ts';
import { TLSA_LIFE } from '#mail/lives.ts';
import { explainMail } from '#mail/step.ts';
import { withReports } from '#mail/reports/evidence.ts';
import { stsWatchLines } from '#mail/mta-sts/watch.ts';
import { readHostedFile } from '#store/hosted/files.ts';
import { readReports } from '#store/mail/reports.ts';
import { readStsWatch } from '#store/mail/sts-watch.ts';
import { findEntry } from '#store/node-codec.ts';
import { type StoreReader } from '#store/reader.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { namesWhere } from '#store/upkeep/nodes-under.ts';
import { type MailApi } from '#control/api/control.ts';
import { type MailProposal, type MailView } from '#control/api/mail.ts';
import { noPolicy } from '#control/commands/absent.ts';
import { type OutsideWitnesses } from '#control/outside/evidence.ts';
import { type SelectorQueries } from '#control/publish/selector-queries.ts';
import { type ServedZone } from '#control/commands/table.ts';
import { reportGround } from '#control/reports/reports.ts';
import { reportsStatus } from '#control/reports/status.ts';
import { bimiView } from './bimi-view.ts';
import { LOOK_IS_OFF, lookAtTlsa } from './live-tlsa.ts';
import { spfStatus } from './spf.ts';
import { type MailSteps } from './steps.ts';

/** undefined without a mail policy. */
export function mailView(reader: StoreReader, steps: MailSteps, zone: ServedZone): MailView | undefined {
  const { record, view } = zone;
  const stored = steps.stored(record);
  if (stored === undefined) return undefined;
  const { document, policy, state } = stored;
  const ground = reportGround(readReports(reader, record.id), view, policy, state);
  const { facts } = withReports(steps.facts(view), ground);
  const step = steps.preview(zone, ground)!;
  const explanations = explainMail(state, { domain: view.apex, policy, view, facts });
  const spf = spfStatus(reader, record, view, state, facts);
  return {
    document,
    policy,
    state,
    explanations,
    comingKeys: comingDkimKeys(state.dkim, explanations, state.ttls, facts),
    deployTimes: deployTimes(state.tlsa, TLSA_LIFE.world(state, { domain: view.apex, policy, view, facts })),
    wallOffsetMs: facts.wallOffsetMs,
    stsWatch: stsWatchLines(readStsWatch(reader, record.id), facts.wallOffsetMs),
    reports: reportsStatus(ground, facts),
    problems: [...step.problems, ...(spf?.problems ?? [])],
    ...(spf === undefined ? {} : { spf }),
  };
}

export interface MailReads {
  readonly reader: StoreReader;
  readonly steps: MailSteps;
  readonly queries: SelectorQueries;
  readonly witnesses: OutsideWitnesses;
  readonly clock: Clock;
}

/** The mail of zones for those who read it. */
export function mailReads({ reader, steps, queries, witnesses, clock }: MailReads): MailApi {
  return {
    view(record) {
      const view = mailView(reader, steps, { record, view: reader.view(record) });
      return view && { ...view, queries: (selector) => queries.of(selector, record.name) };
    },
    bimi: (record) => bimiView(reader, steps, { record, view: reader.view(record) }),
    bimiFile: (record, name) => (isHostedFileName(name) ? readHostedFile(reader, record.id, name) : undefined),
    proposal: (record) => proposalOf(reader, record),
    async liveTlsa(record, question) {
      const stored = steps.stored(record);
      if (stored === undefined) return fail(noPolicy(record.name));
      const [look] = witnesses.liveChecks?.values() ?? [];
      if (look === undefined) return fail(LOOK_IS_OFF);
      return lookAtTlsa(record, stored.state, question, look, () => clock.nowMs());
    },
  };
}

/** A large zone is looked at beside other work; a name that comes meanwhile may be missed. */
async function proposalOf(reader: StoreReader, record: ZoneRecord): Promise<MailProposal> {
  const { document, problems, seen } = gatherPolicy(reader.view(record), record.dnssec === 'on');
  const mayHave = (node: Uint8Array): boolean => MAIL_RECORD_TYPES.some((type) => findEntry(node, type) >= 0);
  const others: OtherRecord[] = [];
  for (const keys of namesWhere(reader, record.id, mayHave)) {
    const view = reader.view(reader.zoneById(record.id) ?? record);
    others.push(
      ...unseenRecords(
        keys.flatMap((key) => view.node(key) ?? []),
        seen,
      ),
    );
    // More are not shown.
    if (others.length > MAIL_IMPORT_OTHERS_MAX) break;
    await turn();
  }
  return { document, problems: [...problems, ...otherProblems(others)] };
}
