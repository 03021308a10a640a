/**
 * Whether CAA records let a CA issue for a host.
 * Implements: RFC 8659 §3 (relevant set), §4.2 (issue), §4.3 (issuewild, for wildcards alone), §4.1 (critical);
 * RFC 8657 §3 (accounturi), §4 (validationmethods).
 * Not here: finding the relevant set (control/certificate/permissions.ts).
 */
import { latin1 } from '#base/bytes.ts';

export interface CaaRequest {
  /** Names by which CAA records call the CA; none: it does not say, and nothing can be checked. */
  readonly identities: readonly string[];
  /** The account that orders; absent before there is one. */
  readonly accountUrl?: string;
  /** The name is a wildcard. */
  readonly isWildcard?: boolean;
  /** A certificate that others ordered: by which method is not known, so no method speaks against it. */
  readonly isOfOthers?: true;
}

interface CaaRecord {
  readonly isCritical: boolean;
  /** Lower case. */
  readonly tag: string;
  readonly value: string;
}

const CRITICAL = 0x80;
const METHOD = 'dns-01';
/** RFC 8659 §4, RFC 9495: what a critical record may say without stopping every CA. */
const KNOWN_TAGS: readonly string[] = ['issue', 'issuewild', 'iodef', 'issuemail'];

/** Why the set forbids that the CA issues; undefined: it may. `rdatas` in wire form. */
export function caaObjection(rdatas: readonly Uint8Array[], request: CaaRequest): string | undefined {
  const { identities } = request;
  const records = rdatas.flatMap((rdata) => readCaa(rdata) ?? []);
  // RFC 8659 §4.1: a CA that does not understand a critical record must not issue.
  const unknown = records.find(({ isCritical, tag }) => isCritical && !KNOWN_TAGS.includes(tag));
  if (unknown !== undefined) return `the critical CAA property "${unknown.tag}" stops every CA`;
  // RFC 8659 §4.3: for a wildcard, issuewild in place of issue where there is any.
  const wild = request.isWildcard === true ? records.filter(({ tag }) => tag === 'issuewild') : [];
  const issue = wild.length > 0 ? wild : records.filter(({ tag }) => tag === 'issue');
  if (issue.length === 0 || identities.length === 0) return undefined;
  const objections = issue.map(({ value }) => objectionOf(value, request));
  return objections.some((each) => each === undefined)
    ? undefined
    : (objections.find((each) => each !== OTHER_CA) ?? otherCa(issue, identities));
}

const OTHER_CA = 'another CA';

function otherCa(issue: readonly CaaRecord[], identities: readonly string[]): string {
  const allowed = issue.map(({ value }) => JSON.stringify(value)).join(', ');
  return `CAA allows ${allowed}, and the CA is ${identities.join(' or ')}`;
}

/** Why one issue property does not allow it. RFC 8659 §4.2: `domain; name=value; …`. */
function objectionOf(value: string, { identities, accountUrl, isOfOthers }: CaaRequest): string | undefined {
  const [domain = '', ...parameters] = value.split(';').map((each) => each.trim());
  if (!identities.includes(domain.toLowerCase().replace(/\.$/, ''))) return OTHER_CA;
  for (const parameter of parameters) {
    const [name = '', ...rest] = parameter.split('=');
    const text = rest.join('=').trim();
    // RFC 8657 §3: the account must be this one; before there is an account the CA itself says so.
    if (name.trim().toLowerCase() === 'accounturi' && accountUrl !== undefined && text !== accountUrl)
      return `CAA allows the account ${text} only, and ours is ${accountUrl}`;
    if (isOfOthers === true) continue;
    if (name.trim().toLowerCase() === 'validationmethods' && !text.split(',').some((each) => each.trim() === METHOD))
      return `CAA allows the validation methods ${text} only, and this server uses ${METHOD}`;
  }
  return undefined;
}

/** RFC 8659 §4.1.1: flags, length of the tag, tag, value. */
function readCaa(rdata: Uint8Array): CaaRecord | undefined {
  const tagLength = rdata[1];
  if (tagLength === undefined || tagLength === 0 || 2 + tagLength > rdata.length) return undefined;
  const tag = latin1(rdata.subarray(2, 2 + tagLength)).toLowerCase();
  return { isCritical: (rdata[0]! & CRITICAL) !== 0, tag, value: latin1(rdata.subarray(2 + tagLength)) };
}
