/**
 * Logos and evidence that an operator uploads: checked, named by their octets, and put beside what the zone's lives
 * still serve. What neither an upload nor a life names is removed in the same transaction.
 * Not here: the checks (mail/bimi/svg.ts, mail/bimi/evidence.ts), when a logo is served (mail/bimi/files.ts), octets at
 * rest (store/hosted/).
 */
import { BIMI_HOSTED_BYTES_MAX, BIMI_HOSTED_PAIRS_MAX, BIMI_UPLOADS_MAX } from '#base/limits/mail.ts';
import { inBody, inUrl } from '#base/place.ts';
import {
  type Problem,
  type Result,
  fail,
  hasErrors,
  ok,
  placeAt,
  placeWithin,
  problem,
  warning,
} from '#base/problem.ts';
import { formatName, lowerName, type Name } from '#dns/name.ts';
import { type BimiEvidence, checkEvidence, hasPrivateKey } from '#mail/bimi/evidence.ts';
import { type BimiState, NO_BIMI, servedFiles } from '#mail/bimi/files.ts';
import { BIMI_FILES_MACHINE } from '#mail/bimi/files-machine.ts';
import { BIMI_HOST_MACHINE } from '#mail/bimi/host-machine.ts';
import { hostedFileName } from '#mail/bimi/hosted-file.ts';
import { bimiOwner } from '#mail/bimi/record.ts';
import { type BimiSvg, checkBimiSvg } from '#mail/bimi/svg.ts';
import { type MailContext } from '#mail/lives.ts';
import { type MailState } from '#mail/state.ts';
import { explainMail } from '#mail/step.ts';
import { type StoredBimiUpload, type StoredBimiUploads, bimiUploadsWrite } from '#store/hosted/bimi-uploads.ts';
import { hostedFileNames, hostedFileWrite, readHostedFile } from '#store/hosted/files.ts';
import { type StoreReader } from '#store/reader.ts';
import { type DocumentWrite } from '#store/writer.ts';
import { type CommandOf } from '#control/commands/table.ts';

/** Of lives that say how a hosted logo stands. */
export const BIMI_MACHINES: readonly string[] = [BIMI_HOST_MACHINE.kind, BIMI_FILES_MACHINE.kind, 'bimi'];

/** What a hosted logo waits for, for people; empty where none is hosted. */
export function hostedPlan(state: MailState, context: MailContext): { readonly plan?: readonly string[] } {
  if (state.bimi === undefined) return {};
  const explained = explainMail(state, context).filter(({ machine }) => BIMI_MACHINES.includes(machine));
  return explained.length === 0 ? {} : { plan: explained.flatMap(({ lines }) => lines) };
}

/** Uploads as they will be, with the octets that come with them. */
export interface BimiUploading {
  readonly uploads: StoredBimiUploads;
  /** By name. */
  readonly fresh: ReadonlyMap<string, Uint8Array>;
}

interface Taken extends BimiUploading {
  readonly detail: string;
  readonly warnings: readonly Problem[];
  readonly isChanged: boolean;
}

/** The selector as uploads are kept under it, or why it is none. */
export function bimiSelector(text: string, domain: Name): Result<string> {
  const owner = bimiOwner(domain, text);
  return owner.ok ? ok(text.toLowerCase()) : fail(...placeAt(owner.problems, inUrl('selector')));
}

/** `before` with what is uploaded, or everything that is wrong with it. `nowMs` is wall time. */
export function takeUpload(command: CommandOf<'bimi.upload'>, before: StoredBimiUploads, nowMs: number): Result<Taken> {
  const { zone, logo, evidence } = command;
  const selector = bimiSelector(command.selector, zone);
  const svg = checkLogo(logo);
  const chain =
    evidence === undefined ? undefined : checkChain(evidence, { logo, zone, nowMs, selector: command.selector });
  const problems = [
    ...problemsOf(selector),
    ...problemsOf(svg),
    ...(chain === undefined ? [withoutEvidence()] : problemsOf(chain)),
  ];
  if (!selector.ok || !svg.ok || chain?.ok === false || hasErrors(problems)) return fail(...problems);
  const full =
    selector.value in before || Object.keys(before).length < BIMI_UPLOADS_MAX ? undefined : tooManySelectors(before);
  if (full !== undefined) return fail(full);
  const pem = evidence === undefined ? undefined : Buffer.from(evidence, 'utf8');
  const upload = describeUpload({ logo, svg: svg.value, nowMs, ...(pem === undefined ? {} : { pem }) }, chain?.value);
  const known = before[selector.value];
  const isChanged = known?.logo !== upload.logo || known.evidence !== upload.evidence;
  const fresh = new Map([[upload.logo, logo]]);
  if (pem !== undefined) fresh.set(upload.evidence!, pem);
  const uploads = isChanged ? { ...before, [selector.value]: upload } : before;
  const what = evidence === undefined ? 'without evidence' : `with evidence ${upload.evidence}`;
  return ok({
    uploads,
    fresh,
    detail: `BIMI logo ${upload.logo} ${what} for selector ${selector.value}`,
    warnings: problems,
    isChanged,
  });
}

/** `before` without what was uploaded for a selector. */
export function takeRemoval(
  { zone, selector: text }: CommandOf<'bimi.remove'>,
  before: StoredBimiUploads,
): Result<Taken> {
  const selector = bimiSelector(text, zone);
  if (!selector.ok) return selector;
  if (!Object.hasOwn(before, selector.value)) return fail(noUpload(selector.value, Object.keys(before)));
  const { [selector.value]: removed, ...uploads } = before;
  const detail = `BIMI logo ${removed!.logo} of selector ${selector.value} removed`;
  return ok({ uploads, fresh: new Map(), detail, warnings: [], isChanged: true });
}

export function noUpload(selector: string, known: readonly string[]): Problem {
  const fix = known.length === 0 ? 'upload one: waxseal bimi upload' : `there is one for: ${known.join(', ')}`;
  return problem('BIMI_UPLOAD_NOT_FOUND', inUrl('selector'), `no logo was uploaded for the selector ${selector}`, {
    fix,
  });
}

/** What is written of uploads and files, when the zone's logos are `state` afterwards. */
export function uploadWrites(
  reader: StoreReader,
  zoneId: number,
  { uploads, fresh }: BimiUploading,
  state: BimiState | undefined,
): DocumentWrite[] {
  return [bimiUploadsWrite(zoneId, uploads), ...fileWrites(reader, zoneId, { uploads, fresh }, state)];
}

/** The files of uploads and lives, and no others. */
export function fileWrites(
  reader: StoreReader,
  zoneId: number,
  { uploads, fresh }: BimiUploading,
  state: BimiState | undefined,
): DocumentWrite[] {
  const wanted = new Set(wantedNames(uploads, state));
  const known = hostedFileNames(reader, zoneId);
  return [
    ...[...fresh].flatMap(([name, octets]) => (known.includes(name) ? [] : [hostedFileWrite(zoneId, name, octets)])),
    ...known.flatMap((name) => (wanted.has(name) ? [] : [hostedFileWrite(zoneId, name, null)])),
  ];
}

/** What stands against so much being kept for one domain. */
export function checkShare(
  reader: StoreReader,
  zone: { readonly id: number; readonly name: string },
  { uploads, fresh }: BimiUploading,
  state: BimiState = NO_BIMI,
): Problem[] {
  const bytes = wantedNames(uploads, state).map(
    (name) => (fresh.get(name) ?? readHostedFile(reader, zone.id, name))?.length ?? 0,
  );
  const sizeBytes = bytes.reduce((sum, each) => sum + each, 0);
  const count = state.files.objects.length;
  if (sizeBytes <= BIMI_HOSTED_BYTES_MAX && count <= BIMI_HOSTED_PAIRS_MAX) return [];
  const oldest = state.files.objects.find(({ stage }) => stage === 'superseded');
  const what = count > BIMI_HOSTED_PAIRS_MAX ? `${count} logos` : `${sizeBytes} octets of logos and evidence`;
  const most = count > BIMI_HOSTED_PAIRS_MAX ? `${BIMI_HOSTED_PAIRS_MAX}` : `${BIMI_HOSTED_BYTES_MAX}`;
  const early = `waxseal mail override ${zone.name.replace(/(?<=.)\.$/, '')} ${oldest?.id} kept --reason "…"`;
  return [
    problem(
      'BIMI_UPLOADS_FULL',
      inBody(''),
      `the domain would have ${what} here, those kept for the time after a change included; at most ${most} are kept`,
      {
        fix:
          oldest === undefined
            ? 'remove one: waxseal bimi remove'
            : `wait until an old one is gone, or let one go early: ${early}`,
      },
    ),
  ];
}

function wantedNames(uploads: StoredBimiUploads, state: BimiState = NO_BIMI): readonly string[] {
  const uploaded = Object.values(uploads).flatMap(({ logo, evidence }) =>
    evidence === undefined ? [logo] : [logo, evidence],
  );
  return [...new Set([...uploaded, ...servedFiles(state)])];
}

function problemsOf(result: Result<unknown>): readonly Problem[] {
  return result.ok ? result.warnings : result.problems;
}

function checkLogo(logo: Uint8Array): Result<BimiSvg> {
  const at = inBody('/logo');
  // An operator who takes one file for the other must not find it repeated in what is wrong with the SVG.
  if (hasPrivateKey(Buffer.from(logo.buffer, logo.byteOffset, logo.length).toString('latin1')))
    return fail(problem('BIMI_EVIDENCE_KEY', at, 'has a private key in it; it was not kept'));
  const checked = checkBimiSvg(logo);
  return checked.ok ? ok(checked.value, placeWithin(checked.warnings, at)) : fail(...placeWithin(checked.problems, at));
}

interface Beside {
  readonly logo: Uint8Array;
  readonly zone: Name;
  readonly selector: string;
  readonly nowMs: number;
}

function checkChain(evidence: string, { zone, ...beside }: Beside): Result<BimiEvidence> {
  const domain = formatName(lowerName(zone)).replace(/\.$/, '');
  const checked = checkEvidence(evidence, { ...beside, domain });
  const at = inBody('/evidence');
  return checked.ok ? ok(checked.value, placeAt(checked.warnings, at)) : fail(...placeAt(checked.problems, at));
}

function withoutEvidence(): Problem {
  return warning(
    'BIMI_EVIDENCE_TRUST',
    inBody('/evidence'),
    'there is none: Gmail and Apple show no logo without a mark certificate',
  );
}

function tooManySelectors(before: StoredBimiUploads): Problem {
  const fix = `remove one of: ${Object.keys(before).join(', ')}`;
  return problem(
    'BIMI_UPLOADS_FULL',
    inUrl('selector'),
    `the domain has logos for ${BIMI_UPLOADS_MAX} selectors, and no more are kept`,
    {
      fix,
    },
  );
}

function describeUpload(
  given: { readonly logo: Uint8Array; readonly svg: BimiSvg; readonly pem?: Uint8Array; readonly nowMs: number },
  evidence: BimiEvidence | undefined,
): StoredBimiUpload {
  const { logo, svg, pem, nowMs } = given;
  return {
    logo: hostedFileName(logo, 'svg'),
    title: svg.title,
    logoBytes: logo.length,
    uploadedAtMs: nowMs,
    ...(pem === undefined || evidence === undefined
      ? {}
      : { evidence: hostedFileName(pem, 'pem'), evidenceBytes: pem.length, evidenceEndsMs: evidence.notAfterMs }),
  };
}
