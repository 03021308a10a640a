/**
 * The parts of certificates put together for the control process: what decides their commands, their due work, how they
 * are read.
 * Not here: what each part does.
 */
import { type Clock } from '#base/clock.ts';
import { type Log } from '#base/log.ts';
import { type Problem, type Result, ok } from '#base/problem.ts';
import { type AcmeSettings } from '#config/acme.ts';
import { type Name } from '#dns/name.ts';
import { type Resolver } from '#dns/resolver.ts';
import { type LifecycleEvent } from '#lifecycle/engine.ts';
import { type Sealer } from '#store/seal.ts';
import { readHostCertificate } from '#store/tls/host-certificate.ts';
import { type CertificatesApi, type MetricFamily } from '#control/api/control.ts';
import { type CertificateCommand } from '#control/api/certificates.ts';
import { type CommandTable } from '#control/commands/table.ts';
import { AcmeClient } from './acme-client.ts';
import { type AcmeTransport } from './acme-request.ts';
import { Accounts } from './accounts.ts';
import { CertificateCounts } from './counts.ts';
import { certificateHandlers } from './decide.ts';
import { CertificateFiles } from './files.ts';
import { CertificateSteps, type CertificateStepsOptions } from './steps.ts';
import { certificateSummary } from './summary.ts';
import { type CertificateUpkeep, type CertificateUpkeepOptions, certificateUpkeep } from './upkeep.ts';
import { certificateViews } from './view.ts';
import { zoneOfName } from '#store/tls/zone-of-host.ts';
import { wantedHosts } from './wanted.ts';

/** What is configured about certificates. */
export interface CertificateSettings {
  /** Absent: no CA is asked. */
  readonly acme?: { readonly settings: AcmeSettings; readonly transport: AcmeTransport };
  /** Under the policy host's key, or why there is none now. Unless given: the store's own. */
  readonly sealer?: () => Result<Sealer>;
  readonly onEvents?: (zone: string, events: readonly LifecycleEvent[]) => void;
  /** Host whose certificate DNS over TLS shows; absent: it is not served. */
  readonly dotHost?: string | undefined;
}

export interface CertificatePartsOptions
  extends
    Omit<CertificateStepsOptions, 'wanted' | 'sealer' | 'directories'>,
    Omit<CertificateUpkeepOptions, 'steps' | 'wanted' | 'asking'> {
  readonly settings: CertificateSettings;
  readonly clock: Clock;
  /** The world's view only. */
  readonly outside: Resolver;
  readonly onDue: () => void;
  readonly alert: (zone: string | undefined, problems: readonly Problem[]) => Promise<void>;
}

export interface CertificateParts {
  readonly handlers: CommandTable<CertificateCommand['kind']>;
  readonly source: CertificateUpkeep;
  readonly reads: CertificatesApi;
  /** The mail of a zone may want other hosts than before. */
  notice(zone: Name): void;
  families(): readonly MetricFamily[];
  /** Certificates from files, once it is started. */
  files(files: readonly string[], log: Log): CertificateFiles;
}

export function certificateParts(options: CertificatePartsOptions): CertificateParts {
  const { writer, clock, time, settings, onDue } = options;
  const counts = new CertificateCounts(writer);
  const { acme, sealer = () => ok(writer.sealer), onEvents = () => {} } = settings;
  const isCovered = (zoneId: number, host: string) => {
    const known = readHostCertificate(writer, zoneId, host);
    return known?.origin === 'file' && known.notAfterMs > clock.nowMs();
  };
  const wanted = wantedHosts(writer, isCovered, settings.dotHost);
  const directories = acme?.settings.directories ?? [];
  const steps = new CertificateSteps({ ...options, wanted, sealer, directories });
  const client = acme && new AcmeClient({ transport: acme.transport, nowMs: () => time.nowMs() });
  const asking = acme &&
    client && {
      ...options,
      client,
      sealer,
      settings: acme.settings,
      accounts: new Accounts({ ...options, client, settings: acme.settings }),
      nowMs: () => time.nowMs(),
      wallMs: () => clock.nowMs(),
    };
  const source = certificateUpkeep({ ...options, steps, wanted, ...(asking === undefined ? {} : { asking }) });
  const onOrdered = (zone: string) => source.hurry(zone);
  const onCommitted = (zone: string, events: readonly LifecycleEvent[]) => {
    if (events.length > 0) onEvents(zone, events);
    onDue();
  };
  return {
    source,
    handlers: certificateHandlers({ steps, hasCa: directories.length > 0, onOrdered, onCommitted }),
    reads: {
      list(record) {
        const zone = { record, view: writer.view(record) };
        return certificateViews(writer, steps, zone, source.refusal(record.name));
      },
      summary() {
        const { wallOffsetMs } = time.read();
        const refusal = (zone: string) => source.refusal(zone);
        return certificateSummary({ reader: writer, refusal, nowMs: clock.nowMs(), wallOffsetMs });
      },
    },
    notice: (zone) => source.notice(zone),
    families: () => counts.families(),
    files: (files, log) => {
      const zoneOf = (name: Name) => zoneOfName(writer, name);
      const [look] = options.witnesses.ownHosts?.values() ?? [];
      const given = { ...options, sealer, zoneOf, look, keyRecords: steps.keyRecords };
      return new CertificateFiles(files, { ...given, notice: (zone) => source.notice(zone) }, log);
    },
  };
}
