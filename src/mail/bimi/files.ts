/**
 * Hosted logos of a domain over time: which are served, which one the record names, and when an old one may go.
 * Not here: stages and waits (files-machine.ts), the host (host.ts), what may be uploaded (svg.ts, evidence.ts).
 */
import { inBody } from '#base/place.ts';
import { BIMI_EVIDENCE_ENDING_MS, BIMI_KEEP_OLD_MS } from '#base/limits/mail.ts';
import { type Problem, warning } from '#base/problem.ts';
import { formatName, type Name } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { order, type WantedCheck } from '#lifecycle/engine.ts';
import { type Expectation, expectRecord } from '#lifecycle/expectation.ts';
import { addObject, findObject, type LifecycleObject, type LifecycleState, newLifecycle } from '#lifecycle/state.ts';
import { formatTime } from '#lifecycle/timeline.ts';
import { type TtlMemory } from '#lifecycle/ttl-memory.ts';
import { type ConditionVerdict } from '#lifecycle/waits.ts';
import { cacheMs, type Facts, verdict, type Vocabulary } from '#lifecycle/world.ts';
import { type HostLifecycle, NO_HOST } from '#mail/hosting/host-life.ts';
import { BIMI_FILES_MACHINE } from './files-machine.ts';
import { type BimiSettings } from './hold.ts';
import { hostedFileUrl } from './hosted-file.ts';
import { bimiOwner, type BimiRecord, formatBimi } from './record.ts';

/** What was uploaded for a selector. */
export interface BimiUpload {
  /** Names of hosted files (hosted-file.ts). */
  readonly logo: string;
  readonly evidence?: string;
  /** Of the evidence, wall time. */
  readonly evidenceEndsMs?: number;
}

/** By selector. */
export type BimiUploads = Readonly<Record<string, BimiUpload>>;

export interface BimiFilesData {
  readonly selector: string;
  readonly logo: string;
  readonly evidence?: string;
}

export type BimiFiles = LifecycleObject<BimiFilesData>;

/** What is remembered of a domain's hosted logos; absent in states of domains that never had one. */
export interface BimiState {
  readonly host: HostLifecycle;
  readonly files: LifecycleState<BimiFilesData>;
  readonly lastVersion: number;
}

export const NO_BIMI: BimiState = { host: NO_HOST, files: newLifecycle(), lastVersion: 0 };

/** The pair that the policy wants served now; undefined: none, or it was not uploaded. */
export function wantedFiles(settings: BimiSettings | undefined, uploads: BimiUploads): BimiFilesData | undefined {
  if (settings?.isHosted !== true) return undefined;
  const { selector } = settings;
  const upload = Object.hasOwn(uploads, selector) ? uploads[selector] : undefined;
  if (upload === undefined) return undefined;
  const { logo, evidence } = upload;
  return { selector, logo, ...(evidence === undefined ? {} : { evidence }) };
}

function isSame(a: BimiFilesData, b: BimiFilesData): boolean {
  return a.selector === b.selector && a.logo === b.logo && a.evidence === b.evidence;
}

/** `before` with the pair that is wanted; the one that the record names stays until the new one is confirmed. */
export function serveBimiFiles(before: BimiState, wanted: BimiFilesData | undefined, nowMs: number): BimiState {
  let { files } = before;
  const leave = (id: string, stage: string, reason: string): void => {
    const done = order(BIMI_FILES_MACHINE, files, id, stage, { reason, by: 'mail policy', nowMs });
    if (done.ok) files = done.value.state;
  };
  const current = files.objects.find(
    ({ stage, data }) => wanted !== undefined && stage !== 'superseded' && isSame(data, wanted),
  );
  for (const { id, stage } of before.files.objects) {
    if (id === current?.id) continue;
    if (stage === 'served') leave(id, 'gone', 'it was replaced before a record named it');
    // While another one is confirmed already there is nothing to wait for: it displaced this one.
    if (stage === 'confirmed' && wanted === undefined) leave(id, 'superseded', 'no logo is wanted any more');
  }
  if (wanted === undefined || current !== undefined) return files === before.files ? before : { ...before, files };
  const old = files.objects.find(({ stage, data }) => stage === 'superseded' && isSame(data, wanted));
  if (old !== undefined) {
    leave(old.id, 'served', 'it is wanted again');
    return { ...before, files };
  }
  const lastVersion = before.lastVersion + 1;
  const added = { id: `bimi-logo-${lastVersion}`, group: 'bimi-logo', stage: BIMI_FILES_MACHINE.first, data: wanted };
  return { ...before, files: addObject(files, added, nowMs), lastVersion };
}

/** The pair that the record may name; undefined: there is no record. */
export function confirmedFiles({ files }: BimiState): BimiFiles | undefined {
  return files.objects.find(({ stage }) => stage === 'confirmed');
}

/** Names of all files that are served, in use or kept. */
export function servedFiles({ files }: BimiState): readonly string[] {
  return [
    ...new Set(
      files.objects.flatMap(({ data: { logo, evidence } }) => (evidence === undefined ? [logo] : [logo, evidence])),
    ),
  ];
}

/** The record that names the pair. */
export function hostedRecord(
  settings: Pick<BimiRecord, 'avatarPreference' | 'selectorPrefixes'>,
  domain: Name,
  data: BimiFilesData,
): BimiRecord {
  return {
    ...settings,
    logoUri: hostedFileUrl(domain, data.logo),
    evidenceUri: data.evidence === undefined ? '' : hostedFileUrl(domain, data.evidence),
  };
}

/** What the waits of hosted logos depend on. `host`: whether receivers can fetch from it. */
export function bimiFilesVocabulary(
  settings: BimiSettings | undefined,
  ttls: TtlMemory,
  { places }: Facts,
  host: ConditionVerdict,
): Vocabulary<BimiFilesData> {
  return {
    durations: { bimiTtl: cacheMs(ttls, 'bimi'), keepOld: () => settings?.keepOldMs ?? BIMI_KEEP_OLD_MS },
    conditions: {
      host: () => host,
      probed: () => verdict(places['probes']!.length > 0, 'no probe outside looks'),
    },
  };
}

/** What a look at a pair should show: itself from outside, or its record at no name server any more. */
export function bimiFilesExpectation(
  { files }: BimiState,
  settings: BimiSettings | undefined,
  check: WantedCheck,
  domain: Name,
): Expectation | undefined {
  const data = findObject(files, check.object)?.data;
  if (data === undefined) return undefined;
  if (check.what === 'record-gone') {
    const { record } = settings ?? { record: { avatarPreference: 'brand', selectorPrefixes: [] } as const };
    return expectRecord(
      'no-record',
      bimiOwner(domain, data.selector),
      TYPE.TXT,
      formatBimi(hostedRecord(record, domain, data)),
    );
  }
  const names = data.evidence === undefined ? [data.logo] : [data.logo, data.evidence];
  return { kind: 'files', files: names.map((name) => ({ name, url: hostedFileUrl(domain, name) })) };
}

/** What the operator should know of what is, or should be, hosted. Times are wall times. */
export function bimiUploadProblems(
  settings: BimiSettings | undefined,
  uploads: BimiUploads,
  domain: Name,
  { nowMs, wallOffsetMs }: Facts,
): Problem[] {
  if (settings?.isHosted !== true) return [];
  const { selector } = settings;
  const zone = formatName(domain).replace(/(?<=.)\.$/, '');
  const upload = `waxseal bimi upload ${zone} logo.svg`;
  const more = selector === 'default' ? '' : ` --selector ${selector}`;
  const tell = (message: string, fix: string) => warning('MAIL_BIMI_UPLOAD', inBody('/bimi/hosted'), message, { fix });
  const wanted = wantedFiles(settings, uploads);
  if (wanted === undefined)
    return [tell(`no logo was uploaded for the selector ${selector}, so there is no BIMI record`, `${upload}${more}`)];
  const endsMs = uploads[selector]?.evidenceEndsMs;
  const leftMs = (endsMs ?? Infinity) - nowMs - wallOffsetMs;
  if (leftMs > BIMI_EVIDENCE_ENDING_MS) return [];
  const what = leftMs > 0 ? 'ends' : 'has ended';
  return [
    tell(
      `the evidence for the logo of the selector ${selector} ${what} at ${formatTime(endsMs!)}; ` +
        'receivers that ask for evidence show no logo then',
      `get a new mark certificate, and upload it: ${upload} --evidence new.pem${more}`,
    ),
  ];
}
