/**
 * The DMARC section of a mail policy, and the record that results from it at each step of the ramp.
 * Implements: RFC 9989 §7.4 (steps and their times).
 * Not here: when the steps are taken (ramp.ts).
 */
import { type Place, below, inBody } from '#base/place.ts';
import { type Problem, placeAt } from '#base/problem.ts';
import { formatName, type Name, parseName, ROOT } from '#dns/name.ts';
import { type DmarcAlignment, type DmarcFailureOption, type DmarcPolicy, type DmarcRecord, formatDmarc, parseDmarc } from './record.ts';
import { policyStrength } from './advice.ts';
import { type DurationReader } from '#mail/policy/duration.ts';
import { type MailPolicyDocument } from '#mail/policy/schema.ts';
import { mailtoUri } from '#mail/text/report-uri.ts';

export interface DmarcSettings {
  readonly isEnabled: boolean;
  readonly policy: DmarcPolicy;
  readonly ramp: { readonly isOn: boolean; readonly noneForMs: number; readonly quarantineForMs: number };
  readonly subdomainPolicy?: DmarcPolicy;
  readonly nonexistentPolicy?: DmarcPolicy;
  readonly dkimAlignment: DmarcAlignment;
  readonly spfAlignment: DmarcAlignment;
  readonly isPublicSuffix?: boolean;
  readonly aggregateUris: readonly string[];
  readonly failureUris: readonly string[];
  readonly failureOptions: readonly DmarcFailureOption[];
  readonly acceptReportsOf: readonly Name[];
}

/** RFC 9989 §7.4: at least a month of none, then as long of quarantine. */
const DEFAULTS = { noneFor: '30d', quarantineFor: '30d' } as const;

/** RFC 5321 §4.5.1, RFC 2142 §5: every domain with mail has this mailbox. */
export function postmaster(domain: Name): string {
  return mailtoUri(`postmaster@${formatName(domain).slice(0, -1)}`);
}

export function settleDmarc(
  settings: MailPolicyDocument,
  domain: Name,
  isLockdown: boolean,
  durations: DurationReader,
  problems: Problem[],
): DmarcSettings {
  const { dmarc = {} } = settings;
  const acceptReportsOf = (dmarc.acceptReportsOf ?? []).flatMap((text, index) => {
    const name = parseName(text, ROOT);
    if (!name.ok) problems.push(...placeAt(name.problems, inBody(`/dmarc/acceptReportsOf/${index}`)));
    return name.ok ? [name.value] : [];
  });
  const settled: DmarcSettings = {
    isEnabled: isLockdown || (dmarc.enabled ?? true),
    policy: isLockdown ? 'reject' : (dmarc.policy ?? 'reject'),
    ramp: {
      // A domain that sends nothing has nothing to find out first.
      isOn: !isLockdown && (dmarc.ramp?.enabled ?? true),
      noneForMs: durations.ms(inBody('/dmarc/ramp/noneFor'), dmarc.ramp?.noneFor ?? DEFAULTS.noneFor),
      quarantineForMs: durations.ms(inBody('/dmarc/ramp/quarantineFor'), dmarc.ramp?.quarantineFor ?? DEFAULTS.quarantineFor),
    },
    ...(dmarc.sp === undefined ? {} : { subdomainPolicy: dmarc.sp }),
    ...(dmarc.np === undefined ? {} : { nonexistentPolicy: dmarc.np }),
    dkimAlignment: dmarc.adkim ?? 'relaxed',
    spfAlignment: dmarc.aspf ?? 'relaxed',
    ...(dmarc.psd === undefined ? {} : { isPublicSuffix: dmarc.psd === 'yes' }),
    aggregateUris: dmarc.rua ?? (isLockdown ? [] : [postmaster(domain)]),
    failureUris: dmarc.ruf ?? [],
    failureOptions: (dmarc.fo ?? ['0']) as readonly DmarcFailureOption[],
    acceptReportsOf,
  };
  // What its printer writes and its reader rejects is a problem of the values: one set of rules for both.
  const parsed = parseDmarc(formatDmarc(dmarcRecordOf(settled, settled.policy)));
  if (!parsed.ok) problems.push(...parsed.problems.map((each) => ({ ...each, at: placeOfTag(each.at) })));
  return settled;
}

/** The field of the policy that a tag of the record is made from. */
function placeOfTag(at: Place): Place {
  const section = inBody('/dmarc');
  return at.kind === 'text' && at.part.kind === 'tag' ? below(section, at.part.name) : section;
}

/** The record while the ramp is at `stage`. On the way subdomains do not run ahead of the domain; names that do not exist have no mail to lose. */
export function dmarcRecordOf(settings: DmarcSettings, stage: DmarcPolicy): DmarcRecord {
  const { subdomainPolicy, nonexistentPolicy, isPublicSuffix } = settings;
  const isAhead = stage !== settings.policy && subdomainPolicy !== undefined && policyStrength(subdomainPolicy) > policyStrength(stage);
  const capped = isAhead ? stage : subdomainPolicy;
  return {
    policy: stage,
    ...(capped === undefined || capped === stage ? {} : { subdomainPolicy: capped }),
    ...(nonexistentPolicy === undefined ? {} : { nonexistentPolicy }),
    dkimAlignment: settings.dkimAlignment,
    spfAlignment: settings.spfAlignment,
    isTesting: false,
    ...(isPublicSuffix === undefined ? {} : { isPublicSuffix }),
    aggregateUris: settings.aggregateUris,
    failureUris: settings.failureUris,
    failureOptions: settings.failureUris.length === 0 ? ['0'] : settings.failureOptions,
  };
}
