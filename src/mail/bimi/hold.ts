/**
 * BIMI waits for DMARC: the record is published while the DMARC policy that we publish lets receivers show a logo, and not before; it
 * goes again when that policy steps back. Derived from the DMARC stage each time, so it has no state of its own.
 * Implements: draft-brand-indicators-for-message-identification-12 §7.1 (quarantine or reject, for subdomains too).
 * Not here: the record (record.ts), the steps of DMARC (mail/dmarc/ramp.ts).
 */
import { inBody } from '#base/place.ts';
import { type Problem } from '#base/problem.ts';
import { type Explanation } from '#lifecycle/explain.ts';
import { formatTime } from '#lifecycle/timeline.ts';
import { type BimiRecord, checkBimiDmarc } from './record.ts';
import { type DmarcPolicy, type DmarcRecord } from '#mail/dmarc/record.ts';
import { DMARC_OBJECT, type DmarcLifecycle, dmarcStage } from '#mail/dmarc/ramp.ts';
import { type Moment } from '#lifecycle/waits.ts';
import { type DmarcSettings, dmarcRecordOf } from '#mail/dmarc/settle.ts';

export interface BimiSettings {
  readonly selector: string;
  /** Of a hosted logo without its locations, which are those of what was uploaded. */
  readonly record: BimiRecord;
  /** This server hosts the logo and its evidence. */
  readonly isHosted: boolean;
  /** How long a hosted logo is served after the record stopped naming it. */
  readonly keepOldMs: number;
}

/** The part of a mail policy that decides about BIMI. */
interface BimiPolicy {
  readonly dmarc: DmarcSettings;
  readonly bimi?: BimiSettings;
}

export interface BimiHold {
  /** What the DMARC record lacks now, joined. */
  readonly why: string;
  /** The policy that the ramp leads to will do; false: it must be changed first. */
  readonly isComing: boolean;
}

/** With a location, as the record will have one: a hosted logo is no declined one. */
function shownRecord({ record, isHosted }: BimiSettings): BimiRecord {
  return isHosted ? { ...record, logoUri: 'hosted' } : record;
}

/**
 * Why the BIMI record is not published at this DMARC stage; undefined when it is, or none is wanted. A DMARC record
 * that is not ours holds nothing back: no message reaches us when such a record changes.
 */
export function bimiHold(policy: BimiPolicy, stage: DmarcPolicy): BimiHold | undefined {
  const { bimi, dmarc } = policy;
  if (bimi === undefined || !dmarc.isEnabled) return undefined;
  const lacking = (at: DmarcPolicy) =>
    checkBimiDmarc(shownRecord(bimi), dmarcRecordOf(dmarc, at)).filter(({ severity }) => severity === 'error');
  const now = lacking(stage);
  if (now.length === 0) return undefined;
  return { why: now.map(({ message }) => message).join('; '), isComing: lacking(dmarc.policy).length === 0 };
}

/**
 * Warnings about BIMI beside DMARC: of a policy whose DMARC settings never let the logo be shown, or, where the DMARC
 * record is not ours, of what stands there (`published`). Waiting for the ramp is no fault: `explainBimi` explains it.
 */
export function bimiProblems(policy: BimiPolicy, stage: DmarcPolicy, published: DmarcRecord | undefined): Problem[] {
  const { bimi, dmarc } = policy;
  if (bimi === undefined) return [];
  const isOurs = dmarc.isEnabled;
  if (isOurs && bimiHold(policy, stage)?.isComing !== false) return [];
  const record = isOurs ? dmarcRecordOf(dmarc, dmarc.policy) : published;
  const text = (message: string) => (isOurs ? `the BIMI record is held back: ${message}` : message);
  return checkBimiDmarc(shownRecord(bimi), record).map((each) => ({
    ...each,
    at: inBody('/bimi'),
    severity: 'warning',
    message: text(each.message),
  }));
}

/** For people, while the record is held back; nothing otherwise. `zone` without its last dot. */
export function explainBimi(
  policy: BimiPolicy,
  state: { readonly dmarc: DmarcLifecycle },
  { wallOffsetMs }: Moment,
  zone: string,
): Explanation[] {
  const stage = dmarcStage(state.dmarc);
  const hold = bimiHold(policy, stage);
  if (hold === undefined) return [];
  const sinceMs = (state.dmarc.objects[0]?.enteredAtMs ?? 0) + wallOffsetMs;
  const who = 'a DMARC policy of quarantine or reject';
  const why = 'receivers show no logo';
  const rfc = 'draft-brand-indicators-for-message-identification-12 §7.1';
  const override = hold.isComing
    ? `waxseal mail override ${zone} ${DMARC_OBJECT} dwell --reason "…"`
    : 'set dmarc.policy, and dmarc.sp, to quarantine or reject in the mail policy';
  const text = `dmarc-stage: waits for ${who}; ${hold.why} (without it ${why}, ${rfc})`;
  const wait = { id: 'dmarc-stage', who, why, rfc, isOver: false, seen: [], missing: [], override, text };
  const head = `the BIMI record is held back since ${formatTime(sinceMs)}`;
  const lines = [
    hold.isComing ? `${head}; next: published` : head,
    `  ${text}`,
    `    ${hold.isComing ? 'to continue sooner' : 'to continue'}: ${override}`,
  ];
  const next = hold.isComing ? { next: 'published' } : {};
  return [{ machine: 'bimi', object: 'bimi', stage: 'held', sinceMs, ...next, waits: [wait], lines }];
}
