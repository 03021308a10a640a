/**
 * A mail signer as it is registered: which domains it signs for, how it gets its keys, from where it may ask for them.
 * Kept sealed: what it says decides who receives private keys and which command runs, so only waxseal may write it.
 * Not here: where it is kept (register.ts), the files (export-files.ts).
 */
import { isAbsolute, join, normalize } from 'node:path';
import {
  SIGNERS_MAX,
  SIGNER_COMMAND_WORDS_MAX,
  SIGNER_COMMAND_WORD_CHARACTERS_MAX,
  SIGNER_DOMAINS_MAX,
  SIGNER_NETWORKS_MAX,
} from '#base/limits/signers.ts';
import { isAddressIn, parseNetwork } from '#base/network.ts';
import { inBody, inUrl } from '#base/place.ts';
import { type Problem, type Result, fail, hasErrors, ok, placeAt, problem, warning } from '#base/problem.ts';
import { type ExportForm, type SignerFiles, type SignerRecord, type SignerRequest } from '#control/api/signers.ts';
import { type Name, ROOT, formatName, lowerName, parseName } from '#dns/name.ts';
import { type SignerFact } from '#mail/dkim/signers.ts';
import { hasFields, isArrayOf, isString } from '#store/json.ts';
import { foldersOverlap } from './export-files.ts';

const EXPORT_FORMS: readonly ExportForm[] = ['opendkim', 'exim', 'haraka'];
/** No other machine can listen to what stays on this one. */
const LOOPBACK: readonly string[] = ['127.0.0.0/8', '::1/128'];
/** It is part of a token's scope, of a folder's name and of a key's group. */
const NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
/** Host names: other names that a zone may have are not used for mail; and a domain is a folder's name in an export. */
const MAIL_DOMAIN = /^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+$/;

/** The record that `request` asks for, or everything that is wrong with it. `filesRoot`: folder of exports that name none. */
export function checkSigner(request: SignerRequest, nowMs: number, filesRoot: string): Result<SignerRecord> {
  const problems: Problem[] = [];
  if (!NAME.test(request.name))
    problems.push(
      problem('SIGNER_NAME', inBody('/name'), `${JSON.stringify(request.name)} is not a signer's name`, {
        fix: 'lower-case letters, digits and hyphens, at most 63, as in mx1',
      }),
    );
  const domains = checkDomains(request.domains, problems);
  const allow = checkNetworks(request.allow ?? LOOPBACK, problems);
  const files = checkFiles(request, filesRoot, problems);
  if (hasErrors(problems)) return fail(...problems);
  const { name, delivery } = request;
  return ok({ name, delivery, domains, allow, ...(files === undefined ? {} : { files }), createdAtMs: nowMs }, problems);
}

function checkDomains(given: readonly string[], problems: Problem[]): string[] {
  if (given.length === 0 || given.length > SIGNER_DOMAINS_MAX)
    problems.push(problem('FIELD_VALUE', inBody('/domains'), `a signer signs for 1 to ${SIGNER_DOMAINS_MAX} domains`));
  const domains = given.flatMap((text, index) => {
    const at = inBody(`/domains/${index}`);
    const name = parseName(text, ROOT);
    if (!name.ok) {
      problems.push(...placeAt(name.problems, at));
      return [];
    }
    const domain = formatName(lowerName(name.value));
    if (!MAIL_DOMAIN.test(domain)) problems.push(problem('SIGNER_NAME', at, `${domain} is not a domain that has mail`));
    return [domain];
  });
  return [...new Set(domains)];
}

function checkNetworks(given: readonly string[], problems: Problem[]): readonly string[] {
  if (given.length === 0 || given.length > SIGNER_NETWORKS_MAX)
    problems.push(problem('FIELD_VALUE', inBody('/allow'), `a signer may ask from 1 to ${SIGNER_NETWORKS_MAX} networks`));
  for (const [index, text] of given.entries()) {
    const at = inBody(`/allow/${index}`);
    if (parseNetwork(text) === undefined)
      problems.push(
        problem('SIGNER_NETWORK', at, `${JSON.stringify(text)} is not a network`, { fix: 'as in 192.0.2.25 or 2001:db8::/64' }),
      );
    else if (!isLoopback(text))
      problems.push(
        warning('SIGNER_NETWORK', at, `private keys go to ${text} over plain HTTP`, {
          fix: 'put TLS or a tunnel between, and allow only its end',
        }),
      );
  }
  return given;
}

function isLoopback(network: string): boolean {
  const parsed = parseNetwork(network);
  if (parsed === undefined) return false;
  const { octets, bits } = parsed;
  if (octets.length === 4) return octets[0] === 127 && bits >= 8;
  return bits === 128 && octets[15] === 1 && octets.subarray(0, 15).every((each) => each === 0);
}

function checkFiles({ name, delivery, files }: SignerRequest, root: string, problems: Problem[]): SignerFiles | undefined {
  if ((delivery === 'files') !== (files !== undefined))
    problems.push(
      problem(
        'FIELD_VALUE',
        inBody('/files'),
        delivery === 'files' ? 'a signer that reads files needs their form' : 'this signer reads no files',
      ),
    );
  if (files === undefined) return undefined;
  const { form, command = [], folder = join(root, name) } = files;
  if (!isAbsolute(folder) || normalize(folder) !== folder || /[\s:%]/.test(folder))
    problems.push(
      problem('SIGNER_FOLDER', inBody('/files/folder'), `${JSON.stringify(folder)} cannot be the folder: it must be absolute and plain`, {
        fix: 'no "..", blanks, ":" or "%": it stands in the configuration of mail servers',
      }),
    );
  const isLong = command.length > SIGNER_COMMAND_WORDS_MAX || command.some((word) => word.length > SIGNER_COMMAND_WORD_CHARACTERS_MAX);
  if (isLong || command.some((word) => word.includes('\0')) || (command.length > 0 && !isAbsolute(command[0]!)))
    problems.push(
      problem('FIELD_VALUE', inBody('/files/command'), 'the command is not one', {
        fix: `a program with its whole path and up to ${SIGNER_COMMAND_WORDS_MAX - 1} arguments; there is no shell`,
      }),
    );
  return { form, folder, command };
}

export function isSignerRecord(value: unknown): value is SignerRecord {
  return hasFields(value, {
    name: (name) => isString(name) && NAME.test(name),
    delivery: (delivery) => delivery === 'fetch' || delivery === 'files' || delivery === 'own-key',
    domains: isArrayOf(isString),
    allow: isArrayOf(isString),
    files: (files) => files === undefined || isSignerFiles(files),
    createdAtMs: 'number',
  });
}

function isSignerFiles(value: unknown): boolean {
  return hasFields(value, {
    form: (form) => EXPORT_FORMS.some((each) => each === form),
    folder: 'string',
    realFolder: 'string?',
    command: isArrayOf(isString),
  });
}

/** `signers` with one more, in the order of their names. */
export function withSigner(signers: readonly SignerRecord[], added: SignerRecord): Result<readonly SignerRecord[]> {
  if (signers.some(({ name }) => name === added.name))
    return fail(
      problem('SIGNER_EXISTS', inBody('/name'), `there is a signer ${added.name} already`, {
        fix: `to change it, remove it first: waxseal dkim signer remove ${added.name}`,
      }),
    );
  if (signers.length >= SIGNERS_MAX)
    return fail(problem('SIGNER_EXISTS', inBody('/name'), `there are ${SIGNERS_MAX} signers, and no more can be`));
  const { files } = added;
  const shared = files === undefined ? undefined : signers.find((each) => each.files !== undefined && shareFolder(each.files, files));
  if (files !== undefined && shared?.files !== undefined)
    return fail(
      problem(
        'SIGNER_FOLDER_TAKEN',
        inBody('/files/folder'),
        `${files.folder} is, holds or lies in ${shared.files.folder}, the folder of the signer ${shared.name}`,
        { fix: 'choose a folder of its own for each signer' },
      ),
    );
  return ok([...signers, added].toSorted((a, b) => (a.name < b.name ? -1 : 1)));
}

/** True when one is the other, or lies in it. */
function shareFolder(a: SignerFiles, b: SignerFiles): boolean {
  const paths = ({ folder, realFolder }: SignerFiles) => [folder, ...(realFolder === undefined ? [] : [realFolder])];
  return paths(a).some((one) => paths(b).some((other) => foldersOverlap(one, other)));
}

/** The scope of a signer's tokens. */
export function scopeOf(signer: string): `signer:${string}` {
  return `signer:${signer}`;
}

/** True when the signer may ask from this address. */
export function mayAskFrom({ allow }: SignerRecord, from: string): boolean {
  return isAddressIn(from, allow);
}

/** The zone that `domain` is, with or without its last dot, if the signer signs for it. */
export function signedZone(record: SignerRecord, domain: string): Result<Name> {
  const name = parseName(domain, ROOT);
  const zone = name.ok ? formatName(lowerName(name.value)) : '';
  if (name.ok && record.domains.includes(zone)) return ok(lowerName(name.value));
  return fail(
    problem('SIGNER_DOMAIN', inUrl('domain'), `the signer ${record.name} does not sign for ${JSON.stringify(domain)}`, {
      fix: `it does for ${record.domains.map(withoutDot).join(', ')}`,
    }),
  );
}

/** What mail has to know of the signer. */
export function factFor(record: SignerRecord, zone: Name): SignerFact {
  if (!signedZone(record, formatName(zone)).ok) return 'other-domains';
  return record.delivery === 'own-key' ? 'own-key' : 'given';
}

/** As it stands in "d=". */
export function withoutDot(domain: string): string {
  return domain.replace(/\.$/, '');
}
