/**
 * Alerts of a running server: what they look at, put together.
 * Not here: looking (alerts.ts), the settings (settings.ts).
 */
import { ipPort, parseIpPort } from '#base/address.ts';
import { type Clock } from '#base/clock.ts';
import { ROOT, nameOf } from '#dns/name.ts';
import { type Resolver } from '#dns/resolver.ts';
import { type StoredAlert } from '#store/alerts/alerts.ts';
import { readSecondaries } from '#store/transfer/secondaries.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type StoreWriter } from '#store/writer.ts';
import { type MetricFamily } from '#control/api/control.ts';
import { type EventsApi } from '#control/api/events.ts';
import { type Funnel } from '#control/funnel/funnel.ts';
import { type CountedTime } from '#control/lifecycle/counted-time.ts';
import { reachableIp } from '#control/outside/own-host-look.ts';
import { Alerts } from './alerts.ts';
import { reportEnd } from './ends.ts';
import { OwnProbe, type ProbedServer } from './own-probe.ts';
import { ALERT_RULES } from './rules.ts';
import { type AlertParts } from './settings.ts';

export interface ServerAlertsOptions {
  readonly writer: StoreWriter;
  readonly funnel: Funnel;
  readonly events: EventsApi;
  readonly clock: Clock;
  readonly time: CountedTime;
  readonly resolver: Resolver;
  readonly publisher: { readonly addresses: readonly string[] };
  readonly families: () => readonly MetricFamily[];
  readonly notifier: {
    /** Addresses of secondaries that have an older serial than this server, one for each zone. */
    behind(): readonly string[];
    lookAgain(): void;
  };
  /** How zones from primaries fare. */
  readonly keeper: { state(record: ZoneRecord): string | undefined };
  /** Whether an alert about what checks from outside found is over. */
  readonly checks: { over(alert: StoredAlert): string | undefined };
  /** No targets, and all rules as they are, unless given. */
  readonly settings: AlertParts | undefined;
}

export function serverAlerts(options: ServerAlertsOptions): Alerts {
  const { writer, clock, time, resolver, publisher, settings, keeper, notifier, checks } = options;
  const probe = new OwnProbe({ servers: () => servers(writer, publisher.addresses), nowMs: () => time.nowMs() });
  const seen = (): readonly MetricFamily[] => [behindFamily(notifier.behind()), ...probe.families()];
  return new Alerts({
    ...options,
    rules: settings?.rules ?? ALERT_RULES,
    targets: settings?.targets(resolver, () => clock.nowMs()) ?? [],
    async probe(signal) {
      notifier.lookAgain();
      await probe.probe(signal);
    },
    seen,
    families: () => [...options.families(), ...seen()],
    overBecause: (alert, found) =>
      checks.over(alert) ??
      reportEnd(alert, { reader: writer, families: found, primaryState: (record) => keeper.state(record) }),
  });
}

/** By address: what one server does not follow is one thing to look at. */
function behindFamily(behind: readonly string[]): MetricFamily {
  const counts = new Map<string, number>();
  for (const ip of behind) counts.set(ip, (counts.get(ip) ?? 0) + 1);
  return {
    name: 'waxseal_secondaries_behind',
    help: 'Zones of which a secondary was last seen with an older serial.',
    type: 'gauge',
    samples: [...counts].map(([secondary, value]) => ({ labels: { secondary }, value })),
  };
}

/** Our own listeners, and each secondary once, with a zone that it should have. */
function servers(writer: StoreWriter, addresses: readonly string[]): ProbedServer[] {
  const zones = writer
    .zones()
    .filter(({ isCatalog, secondary }) => isCatalog !== true && secondary?.isExpired !== true);
  const [first] = zones;
  const zone = first === undefined ? ROOT : nameOf(first.name);
  const own = addresses.flatMap((text) => {
    const parsed = parseIpPort(text);
    return parsed.ok ? [{ server: { ...parsed.value, ip: reachableIp(parsed.value.ip) }, zone }] : [];
  });
  const others = new Map(
    zones.flatMap(({ id, name }) =>
      readSecondaries(writer, id).map(
        ({ ip, port }) => [`${ip} ${port}`, { server: ipPort(ip, port), zone: nameOf(name) }] as const,
      ),
    ),
  );
  return [...own, ...others.values()];
}
