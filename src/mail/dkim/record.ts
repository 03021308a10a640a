/**
 * DKIM key records: `<selector>._domainkey.<domain>` TXT.
 * Implements: RFC 6376 §3.1 (selectors), §3.6.1 (record), RFC 8301 §3 (sizes, hashes), RFC 8463 §3–4 (Ed25519), RFC 8460 §3 (`s=tlsrpt`).
 * Not here: key files and signers' keys (key.ts), when a key is published and withdrawn (the life cycle).
 */
import { WHOLE, atTag } from '#base/place.ts';
import { type Problem, type Result, fail, problem, warning } from '#base/problem.ts';
import { type Name, parseName } from '#dns/name.ts';
import { checkDkimKey } from './key.ts';
import { type DkimKeyType, type DkimRecord } from './record-type.ts';
import { formatTags, readTagList, resultOf, splitList, type TagGrammar } from '#mail/text/tag-list.ts';

const RFC = 'RFC 6376 §3.6.1';

const GRAMMAR: TagGrammar = {
  version: 'DKIM1',
  isVersionOptional: true,
  known: ['h', 'k', 'n', 'p', 's', 't'],
  equals: 'spaced',
  isTwiceFatal: true,
  rfc: RFC,
  codes: {
    syntax: 'DKIM_SYNTAX',
    twice: 'DKIM_TAG_TWICE',
    unknown: 'DKIM_TAG_UNKNOWN',
    version: 'DKIM_VERSION',
    versionFirst: 'DKIM_VERSION_FIRST',
  },
};

/** The record, or every problem found. Never throws. */
export function parseDkim(text: string): Result<DkimRecord> {
  const { tags, problems: listProblems } = readTagList(text, GRAMMAR);
  const problems: Problem[] = [...listProblems];
  const keyType = tags.get('k') ?? 'rsa';
  const isKnownType = keyType === 'rsa' || keyType === 'ed25519';
  if (!isKnownType)
    problems.push(
      problem('DKIM_KEY_TYPE', atTag('k'), `${JSON.stringify(keyType)} is not rsa or ed25519, and verifiers ignore the key`, {
        rfc: 'RFC 8463 §4',
      }),
    );
  const publicKey = readPublicKey(tags.get('p'), problems);
  if (isKnownType && publicKey !== undefined && publicKey.length > 0) problems.push(...checkDkimKey(keyType, publicKey));
  const hashes = readHashes(tags.get('h'), problems);
  const services = readServices(tags.get('s'), problems);
  const flags = splitList(tags.get('t') ?? '', ':');
  for (const flag of flags)
    if (flag !== 'y' && flag !== 's') problems.push(warning('DKIM_FLAG', atTag('t'), `${JSON.stringify(flag)} is ignored`, { rfc: RFC }));
  const notes = decodeNotes(tags.get('n') ?? '', problems);
  return resultOf(problems, () => ({
    keyType: keyType as DkimKeyType,
    publicKey: publicKey!,
    hashes,
    services,
    isTesting: flags.includes('y'),
    isDomainOnly: flags.includes('s'),
    notes,
  }));
}

function readPublicKey(value: string | undefined, problems: Problem[]): Uint8Array | undefined {
  if (value === undefined) {
    problems.push(problem('DKIM_KEY_MISSING', atTag('p'), 'is missing; a revoked key has it, and empty', { rfc: RFC }));
    return undefined;
  }
  // Folding white space may stand anywhere in base64 (RFC 6376 §2.10).
  const base64 = value.replaceAll(/[ \t\r\n]/g, '');
  if (/PRIVATEKEY/.test(base64))
    problems.push(problem('DKIM_KEY_PRIVATE', atTag('p'), 'holds a private key', { fix: 'make a new key: this one is known now' }));
  const digits = base64.replace(/={1,2}$/, '');
  if (!/^[A-Za-z0-9+/]*$/.test(digits) || digits.length % 4 === 1) {
    problems.push(problem('DKIM_KEY_BASE64', atTag('p'), 'is not base64', { rfc: RFC }));
    return undefined;
  }
  return new Uint8Array(Buffer.from(digits, 'base64'));
}

function readHashes(value: string | undefined, problems: Problem[]): string[] {
  const hashes = [...new Set(splitList(value ?? '', ':'))];
  // RFC 8301 §3.1: sha1 must not be used, and sha256 is the only other.
  if (value !== undefined && !hashes.includes('sha256'))
    problems.push(
      problem('DKIM_HASH', atTag('h'), 'does not allow sha256, so no signature of this key verifies', { rfc: 'RFC 8301 §3.1' }),
    );
  for (const hash of hashes)
    if (hash !== 'sha256')
      problems.push(
        warning('DKIM_HASH', atTag('h'), `${JSON.stringify(hash)} is ${hash === 'sha1' ? 'no longer accepted' : 'unknown'}`, {
          rfc: 'RFC 8301 §3.1',
        }),
      );
  return hashes;
}

function readServices(value: string | undefined, problems: Problem[]): string[] {
  const services = [...new Set(splitList(value ?? '', ':'))];
  if (value !== undefined && services.length === 0) problems.push(problem('DKIM_SERVICE', atTag('s'), 'names no service', { rfc: RFC }));
  for (const service of services) {
    if (!/^[A-Za-z](?:[A-Za-z0-9-]*[A-Za-z0-9])?$|^\*$/.test(service))
      problems.push(problem('DKIM_SERVICE', atTag('s'), `${JSON.stringify(service)} is not a service type`, { rfc: RFC }));
    else if (!['*', 'email', 'tlsrpt'].includes(service))
      problems.push(warning('DKIM_SERVICE', atTag('s'), `${service} is not a known service type`, { rfc: RFC }));
  }
  return services.includes('*') ? [] : services;
}

/** RFC 2045 §6.7 qp-section. */
function decodeNotes(value: string, problems: Problem[]): string {
  if (/=(?![0-9A-Fa-f]{2})/.test(value))
    problems.push(problem('DKIM_NOTES', atTag('n'), 'has an equals sign that two hexadecimal digits do not follow', { rfc: RFC }));
  return value.replaceAll(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

function encodeNotes(notes: string): string {
  return notes.replaceAll(
    /[^\x20-\x3a\x3c\x3e-\x7e]|^ | $/g,
    (character) => `=${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

/** The canonical text; `p` last, where a long key does not hide the rest. */
export function formatDkim(record: DkimRecord): string {
  const flags = [record.isTesting ? 'y' : '', record.isDomainOnly ? 's' : ''].filter((flag) => flag !== '');
  return formatTags([
    ['v', 'DKIM1'],
    ['k', record.keyType],
    ...(record.hashes.length === 0 ? [] : [['h', record.hashes.join(':')] as const]),
    ...(record.services.length === 0 ? [] : [['s', record.services.join(':')] as const]),
    ...(flags.length === 0 ? [] : [['t', flags.join(':')] as const]),
    ...(record.notes === '' ? [] : [['n', encodeNotes(record.notes)] as const]),
    ['p', Buffer.from(record.publicKey).toString('base64')],
  ]);
}

/** The record that says the key is revoked: verifiers fail its signatures at once (RFC 6376 §3.6.1 "p="). */
export function revokedDkim(record: DkimRecord): DkimRecord {
  return { ...record, publicKey: new Uint8Array(0) };
}

/** For `*._domainkey` of a domain that sends no mail: no selector has a key. */
export const NO_DKIM_TEXT = 'v=DKIM1; p=';

/** RFC 6376 §3.1: RFC 5321 sub-domains with dots between. */
const SELECTOR = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/;

/** `<selector>._domainkey.<domain>`. */
export function dkimOwner(selector: string, domain: Name): Result<Name> {
  if (SELECTOR.test(selector)) return parseName(`${selector}._domainkey`, domain);
  return fail(
    problem(
      'DKIM_SELECTOR',
      WHOLE,
      `${JSON.stringify(selector)} is not a selector: labels of letters, digits and inner hyphens, dots between`,
      { rfc: 'RFC 6376 §3.1' },
    ),
  );
}
