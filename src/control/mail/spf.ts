/**
 * The SPF of a zone in the control process: looks at what others publish, made before a change's turn, taken in at its
 * turn, and shown. Slow name servers out there delay only the client that waits for the look.
 * Not here: what a look is (mail/spf/upkeep.ts), when looks are due (spf-upkeep.ts).
 */
import { atRrset } from '#base/place.ts';
import { warning } from '#base/problem.ts';
import { SPF_ALERT_SHOWN_MS, SPF_LOOK_MS_MAX } from '#base/limits/spf.ts';
import { formatName } from '#dns/name.ts';
import { formatTime } from '#lifecycle/timeline.ts';
import { type MailState } from '#mail/state.ts';
import { type Moment } from '#lifecycle/waits.ts';
import { type MailPolicy } from '#mail/mail-policy.ts';
import { type Resolver } from '#dns/resolver.ts';
import { formatCost } from '#mail/spf/draw.ts';
import { NO_SPF_STATE, forgottenAtMs, partOwner } from '#mail/spf/parts.ts';
import { NEW_SPF_WATCH, type SpfLook, type SpfWatch, failingProblem, isWatched, lookAtSpf, spfBasis } from '#mail/spf/upkeep.ts';
import { type StoreReader } from '#store/reader.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type DocumentWrite } from '#store/writer.ts';
import { type ZoneView } from '#zone/view.ts';
import { type SpfStatus } from '#control/api/mail.ts';
import { readMailPolicy } from '#store/mail/policy.ts';
import { readSpfWatch, spfWatchWrite } from '#store/mail/spf-watch.ts';
import { readMailState } from '#store/mail/state.ts';

/** Looks for a zone with `policy`, which may be one that it does not have yet. */
export async function lookAtZoneSpf(
  reader: StoreReader,
  record: ZoneRecord,
  { spf: policy }: MailPolicy,
  times: Moment,
  resolver: Resolver,
): Promise<SpfLook> {
  const view = reader.view(record);
  const state = readMailState(reader, record.id);
  const stored = readMailPolicy(reader, record);
  const known = readSpfWatch(reader, record.id) ?? NEW_SPF_WATCH;
  // Against what another policy had there is no drift: that is the operator's own change.
  const { tree: _tree, ...withoutTree } = known;
  const isSame = stored !== undefined && spfBasis({ policy: stored.spf }) === spfBasis({ policy });
  const { limited, end } = withDeadline(resolver);
  const ground = { domain: view.apex, policy, view, ttls: state?.ttls ?? {}, ...times };
  try {
    return await lookAtSpf({ ...ground, state: state?.spf ?? NO_SPF_STATE, watch: isSame ? known : withoutTree }, limited);
  } finally {
    end();
  }
}

/** `resolver` until SPF_LOOK_MS_MAX are over: then nothing answers any more, which a look survives. */
export function withDeadline(resolver: Resolver): { readonly limited: Resolver; readonly end: () => void } {
  let isOver = false;
  const timer = setTimeout(() => (isOver = true), SPF_LOOK_MS_MAX);
  const limited: Resolver = {
    lookup: (name, type) =>
      isOver
        ? Promise.resolve({ kind: 'timeout', reason: `${SPF_LOOK_MS_MAX / 1000} s are over for all look-ups together` })
        : resolver.lookup(name, type),
  };
  return { limited, end: () => clearTimeout(timer) };
}

/** The state with what `look` found; where something newer is known of an include, that stays. */
export function withLook(state: MailState, look: SpfLook): MailState {
  const before = state.spf ?? NO_SPF_STATE;
  const sources = look.sources.map((each) => {
    const known = before.sources.find(({ include }) => include === each.include);
    return known !== undefined && known.seenAtMs > each.seenAtMs ? known : each;
  });
  return sources.length === 0 && state.spf === undefined ? state : { ...state, spf: { ...before, sources } };
}

/** Remembers a look, with when the next one is due; forgets looks where there is nothing to look at. */
export function watchWrite(zoneId: number, policy: MailPolicy, look: SpfLook | undefined): DocumentWrite {
  return spfWatchWrite(zoneId, look !== undefined && isWatched(policy.spf) ? look.watch : null);
}

/** True when the operator need not read of it: nothing is new, or something did not answer, which may pass. */
export function isQuietLook({ alerts }: SpfLook): boolean {
  return alerts.every(({ code, severity }) => code === 'SPF_FLATTEN_KEPT' && severity === 'warning');
}

export function lookDetail({ alerts, recovered }: SpfLook): string {
  const again = recovered.map((include) => `include:${include} can be read again`);
  return ['SPF looked at', ...alerts.map(({ message }) => message), ...again].join('; ');
}

/** How the zone's SPF stands, with what the operator should know; undefined without looks and parts. */
export function spfStatus(
  reader: StoreReader,
  record: ZoneRecord,
  view: ZoneView,
  { spf = NO_SPF_STATE, ttls }: MailState,
  { nowMs, wallOffsetMs }: Moment,
): SpfStatus | undefined {
  const watch = readSpfWatch(reader, record.id);
  if (watch === undefined && spf.parts.length === 0) return undefined;
  const parts = spf.parts.map(({ number, unusedSinceMs, goneSinceMs }) => {
    const name = partOwner(number, view.apex);
    if (unusedSinceMs === undefined) return { name, isPublished: true };
    return {
      name,
      isPublished: goneSinceMs === undefined,
      untilMs: forgottenAtMs(goneSinceMs ?? unusedSinceMs, { view, ttls }) + wallOffsetMs,
    };
  });
  const { lookedAtMs, tree, problems = [], failing = [], alerts = [] } = watch ?? ({} as Partial<SpfWatch>);
  const isNew = (atMs: number) => atMs > nowMs + wallOffsetMs - SPF_ALERT_SHOWN_MS;
  const status = {
    ...(lookedAtMs === undefined ? {} : { lookedAtMs }),
    ...(watch === undefined ? {} : { nextLookMs: Math.max(nowMs, watch.nextMs) + wallOffsetMs }),
    ...(tree === undefined ? {} : { lookups: tree.lookups, voids: tree.voids }),
    sources: spf.sources.map(({ include, networks, seenAtMs }) => ({ include, networkCount: networks.length, seenAtMs })),
    parts,
    failing: failing.map(({ include, code, message, sinceMs }) => ({ include, code, message, sinceMs })),
    alerts,
    costProblems: problems,
    problems: [
      ...failing.map((each) => failingProblem(each, { domain: view.apex }, 'warning')),
      ...alerts
        .filter(({ atMs, code }) => isNew(atMs) && code.startsWith('SPF_DRIFT'))
        .map(({ atMs, code, message }) => warning(code, atRrset(formatName(view.apex), 'TXT'), `${message} (seen ${formatTime(atMs)})`)),
    ],
  };
  return { ...status, lines: statusLines(status) };
}

function statusLines({ lookedAtMs, nextLookMs, lookups, voids, sources, parts, failing, alerts }: Omit<SpfStatus, 'lines'>): string[] {
  const cost = lookups === undefined || voids === undefined ? '' : `: ${formatCost({ lookups, voids })}`;
  const seen = lookedAtMs === undefined ? 'not looked at yet' : `looked at ${formatTime(lookedAtMs)}${cost}`;
  const next = nextLookMs === undefined ? '' : `; next ${formatTime(nextLookMs)}`;
  return [
    `SPF ${seen}${next}`,
    ...sources.map(({ include, networkCount, seenAtMs }) => {
      const why = failing.find((each) => each.include === include);
      const state = why === undefined ? '' : `, kept: not readable since ${formatTime(why.sinceMs)}`;
      return `  include:${include} is ${networkCount} network${networkCount === 1 ? '' : 's'}, as of ${formatTime(seenAtMs)}${state}`;
    }),
    ...failing
      .filter(({ include }) => !sources.some((each) => each.include === include))
      .map(({ include, sinceMs }) => `  include:${include} stays an include: not to be flattened since ${formatTime(sinceMs)}`),
    ...parts
      .filter(({ isPublished }) => isPublished)
      .map(
        ({ name, untilMs }) =>
          `  ${name} ${untilMs === undefined ? 'is included' : `is not included any more, stays until ${formatTime(untilMs)}`}`,
      ),
    ...alerts.map(({ atMs, severity, message }) => `  ${formatTime(atMs)} ${severity}: ${message}`),
  ];
}
