/**
 * What is wrong with mail records that a change or a zone file brings, as warnings: the change continues, and its
 * author knows. Only of the RRsets given, so that earlier faults are not repeated with every change.
 * Not here: the checks (hygiene.ts, mx.ts, host-warnings.ts, dane/record.ts), wildcards and what the world says of mail
 * (control/mail/check.ts).
 */
import { type Place } from '#base/place.ts';
import { ProblemList } from '#base/problem-list.ts';
import { type Problem, placeAt } from '#base/problem.ts';
import { type Name, labelOffsets } from '#dns/name.ts';
import { placeOfRrset } from '#dns/place.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import { checkTlsa, readTlsa } from '#mail/dane/record.ts';
import { type WarnedZone, checkDelivery, checkReportHosts, checkTlsaHost } from './host-warnings.ts';
import { checkTexts } from './hygiene.ts';
import { checkMx } from './mx.ts';
import { whyNoSpf } from '#mail/spf/near-miss.ts';
import { txtText } from '#mail/text/txt.ts';

/** An RRset as it will be. `at`: where it stands; absent: its owner and type say it. */
export interface BroughtRrset {
  readonly owner: Name;
  readonly type: RrType;
  readonly rdatas: readonly Uint8Array[];
  readonly at?: Place;
}

/**
 * Warnings about `rrsets`, in their order, as many as are shown. Without a `zone`, because it could not be read as a
 * whole, nothing is said of what it lacks.
 */
export function mailRecordWarnings(rrsets: Iterable<BroughtRrset>, zone?: WarnedZone): readonly Problem[] {
  const warnings = new ProblemList();
  for (const rrset of rrsets)
    for (const { at, ...each } of checkRrset(rrset, zone)) warnings.push({ ...each, severity: 'warning', at: placeOf(at, rrset.at) });
  return warnings.list();
}

function checkRrset({ owner, type, rdatas }: BroughtRrset, zone: WarnedZone | undefined): readonly Problem[] {
  switch (type) {
    case TYPE.TXT: {
      const texts = rdatas.map(txtText);
      if (!hasMailPart(owner, texts)) return [];
      return [
        ...checkTexts(owner, texts),
        ...(zone === undefined ? [] : texts.flatMap((text) => checkReportHosts(zone.view, owner, text))),
      ];
    }
    case TYPE.MX:
      return [...checkMx(owner, rdatas), ...(zone === undefined ? [] : checkDelivery(zone.view, owner, rdatas))];
    case TYPE.TLSA:
      return checkTlsaRrset(owner, rdatas, zone);
    default:
      return [];
  }
}

function checkTlsaRrset(owner: Name, rdatas: readonly Uint8Array[], zone: WarnedZone | undefined): readonly Problem[] {
  const found = placeAt(
    rdatas.flatMap((rdata) => checkTlsa(readTlsa(rdata))),
    placeOfRrset(owner, TYPE.TLSA),
  );
  const { view, isSigned = true } = zone ?? {};
  if (isMailPort(owner)) return view === undefined ? found : [...found, ...checkTlsaHost(view, owner, isSigned)];
  // What only mail asks for is no fault at the port of another service.
  return found.filter(({ code, severity }) => severity === 'error' && code !== 'DANE_USAGE');
}

/** False for most TXT of most zones: at ordinary names, and nothing that looks like a mail record. */
function hasMailPart(owner: Name, texts: readonly string[]): boolean {
  if (labelOffsets(owner).some((at) => owner[at + 1] === 0x5f)) return true;
  return texts.some((text) => /^(?:[^!-~]|["'])*(?:v\s*=|spf)/i.test(text) || whyNoSpf(text) !== undefined);
}

/** `_25._tcp.…`: the TLSA records that senders of mail look for (RFC 7672 §2.2.3). */
function isMailPort(owner: Name): boolean {
  return Buffer.from(owner.subarray(0, 9)).toString('latin1').toLowerCase() === '\u0003_25\u0004_tcp';
}

/** The place in a file instead of that by name, with the same part of the text. */
function placeOf(at: Place, given: Place | undefined): Place {
  if (given?.kind !== 'file') return at;
  return at.kind === 'rrset' && at.part !== undefined ? { ...given, part: at.part } : given;
}
