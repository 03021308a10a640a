/**
 * What somebody should see who looks for a life cycle, and whether an answer shows it.
 * Not here: looking (an edge does that), what follows from it (step.ts).
 */
import { type Result, ok } from '#base/problem.ts';
import { type WantedCheck } from '#lifecycle/engine.ts';
import { findObject } from '#lifecycle/state.ts';
import { formatName, type Name, nameOf } from '#dns/name.ts';
import { formatRdata } from '#dns/registry.ts';
import { isNewer, type Serial } from '#dns/serial.ts';
import { TYPE } from '#dns/types.ts';
import { dkimText } from './compile-records.ts';
import { tlsaOwner } from '#mail/dane/record.ts';
import { DKIM_MACHINE } from '#mail/dkim/machine.ts';
import { dkimOwner } from '#mail/dkim/record.ts';
import { type MailState } from './state.ts';
import { formatStsPolicy, formatStsRecord, policyId, stsHost, stsRecordOwner } from '#mail/mta-sts/record.ts';
import { STS_BODY_MACHINE, STS_HOST_MACHINE } from '#mail/mta-sts/machine.ts';
import { isTransient, type ResolverAnswer } from '#dns/resolver.ts';
import { TLSA_MACHINE } from '#mail/dane/lifecycle.ts';
import { txtText } from '#mail/text/txt.ts';

export type Expectation =
  /** At the owner a record that says this stands, or none does: the joined text of a TXT, the host of an MX, else presentation form. */
  | {
      readonly kind: 'record' | 'no-record';
      readonly owner: Name;
      readonly type: number;
      readonly text: string;
      /** The server's SOA must not be older: a secondary that lags may show the zone as it was before, when all was as it should be again. */
      readonly serial?: Serial;
    }
  /** At the URL is the body whose `policyId` is `id`; the id that is announced for it may be another one. */
  | { readonly kind: 'body'; readonly url: string; readonly id: string };

export type RecordExpectation = Extract<Expectation, { kind: 'record' | 'no-record' }>;

/**
 * Whether the answer of one name server is what a record's expectation asks for, and what it looked like. `soaSerial` is what the same
 * server said just before of its SOA, undefined when it did not: after it, the answer is at least as new.
 */
export function judgeAnswer(
  { kind, type, text, serial }: RecordExpectation,
  answer: ResolverAnswer,
  soaSerial: Serial | undefined,
): { readonly isGood: boolean; readonly text: string } {
  if (serial !== undefined && soaSerial === undefined) return { isGood: false, text: 'no SOA' };
  if (serial !== undefined && isNewer(serial, soaSerial!)) return { isGood: false, text: `serial ${soaSerial}, which is before ${serial}` };
  // Who does not answer shows nothing, neither that it is there nor that it is gone.
  if (isTransient(answer)) return { isGood: false, text: answer.reason ?? answer.kind.toUpperCase() };
  if (answer.kind !== 'answer') return { isGood: kind === 'no-record', text: answer.kind.toUpperCase() };
  const texts = answer.rdatas.map((rdata) => recordText(type, rdata));
  const isThere = texts.includes(type === TYPE.TXT ? text : text.toLowerCase());
  return { isGood: isThere === (kind === 'record'), text: texts.join(' | ') };
}

function recordText(type: number, rdata: Uint8Array): string {
  if (type === TYPE.TXT) return txtText(rdata);
  return (type === TYPE.MX ? formatName(rdata.subarray(2)) : formatRdata(type, rdata)).toLowerCase();
}

/** What the check should find; undefined when nothing can be looked up: a word of a signer or a report is waited for. */
export function expectationOf({ machine, object, what }: WantedCheck, domain: Name, state: MailState): Expectation | undefined {
  const record = (
    kind: 'record' | 'no-record',
    owner: Result<Name>,
    type: number,
    text: string | undefined,
  ): RecordExpectation | undefined => (owner.ok && text !== undefined ? { kind, owner: owner.value, type, text } : undefined);
  // What may have been so before is only good in a zone that is new enough; which is that is known from the step after.
  const recent = (expectation: RecordExpectation | undefined): RecordExpectation | undefined => {
    const serial = state.serials[object]?.serial;
    return expectation === undefined || serial === undefined ? undefined : { ...expectation, serial };
  };
  // A selector is never used again: seen once is seen.
  if (machine === DKIM_MACHINE.kind && what === 'record') {
    const key = findObject(state.dkim.lifecycle, object);
    return record('record', dkimOwner(object, domain), TYPE.TXT, key === undefined ? undefined : dkimText(key));
  }
  if (machine === TLSA_MACHINE.kind && what === 'record') {
    const data = findObject(state.tlsa.lifecycle, object)?.data;
    return data === undefined ? undefined : recent(record('record', tlsaOwner(nameOf(data.host), data.port), TYPE.TLSA, data.record));
  }
  if (machine === STS_HOST_MACHINE.kind)
    return recent(record('no-record', ok(domain), TYPE.MX, `${findObject(state.mtaSts.hosts, object)?.group}.`));
  if (machine !== STS_BODY_MACHINE.kind) return undefined;
  const data = findObject(state.mtaSts.bodies, object)?.data;
  if (data === undefined) return undefined;
  if (what === 'id-gone') return recent(record('no-record', stsRecordOwner(domain), TYPE.TXT, formatStsRecord({ id: data.id })));
  const host = stsHost(domain);
  return host.ok
    ? {
        kind: 'body',
        url: `https://${formatName(host.value).slice(0, -1)}/.well-known/mta-sts.txt`,
        id: policyId(formatStsPolicy(data.policy)),
      }
    : undefined;
}
