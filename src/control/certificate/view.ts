/**
 * How the certificates of a zone's hosts stand, for people.
 * Not here: its form in the API (admin/v1/certificates.ts), what a step would do (steps.ts).
 */
import { explainCertificates } from '#certificate/step.ts';
import { type CertificateObject, type CertificatesState } from '#certificate/state.ts';
import { comingCertificate, currentCertificate } from '#certificate/state.ts';
import { type WantedHost } from '#certificate/lives.ts';
import { formatTime } from '#lifecycle/timeline.ts';
import { type Refusal } from '#control/lifecycle/due-source.ts';
import { type HostCertificate, hostCertificates } from '#store/tls/host-certificate.ts';
import { type StoreReader } from '#store/reader.ts';
import { type CertificateView } from '#control/api/certificates.ts';
import { type ServedZone } from '#control/commands/table.ts';
import { type CertificateSteps } from './steps.ts';

/**
 * Every host that has a certificate or is to have one, by name. `refusal`: why the last step of all of them was not
 * possible.
 */
export function certificateViews(reader: StoreReader, steps: CertificateSteps, zone: ServedZone, refusal?: Refusal) {
  const state = steps.stored(zone.record);
  const context = steps.context(zone, state);
  const served = new Map(hostCertificates(reader, zone.record.id).map((each) => [each.host, each]));
  const explanations = explainCertificates(state, context);
  const known = [...context.wanted, ...state.lifecycle.objects.map(({ data }) => data)].map(({ host }) => host);
  const hosts = new Set([...known, ...served.keys()]);
  return [...hosts].toSorted().map((host): CertificateView => {
    const wanted = context.wanted.find((each) => each.host === host);
    const current = currentCertificate(state, host);
    const onTheirWay = [comingCertificate(state, host), current?.stage === 'installed' ? current : undefined];
    const waits = explanations.filter(({ object }) => onTheirWay.some((each) => each?.id === object));
    const open = waits.flatMap((each) => each.waits.filter(({ isOver }) => !isOver).map(({ text }) => text));
    const { wallOffsetMs } = context.facts;
    return viewOf(host, { wanted, served: served.get(host), state, open, refusal, wallOffsetMs });
  });
}

interface Known {
  readonly wanted: WantedHost | undefined;
  readonly served: HostCertificate | undefined;
  readonly state: CertificatesState;
  /** What the one to come waits for. */
  readonly open: readonly string[];
  readonly refusal: Refusal | undefined;
  readonly wallOffsetMs: number;
}

function viewOf(host: string, { wanted, served, state, open, refusal, wallOffsetMs }: Known): CertificateView {
  const [current, coming] = [currentCertificate(state, host), comingCertificate(state, host)];
  const { issued, renewal } = current?.data ?? {};
  const isStopped = refusal !== undefined && (coming !== undefined || served === undefined);
  const stopped = isStopped ? refusalOf(refusal, host) : undefined;
  const failure = stopped ?? coming?.data.failure;
  const retryAtMs = stopped?.retryAtMs ?? coming?.data.retryAtMs;
  const base = {
    host,
    stage: current?.stage ?? coming?.stage ?? 'none',
    ...(wanted === undefined ? {} : { reason: wanted.reason }),
    ...(served === undefined ? {} : { served }),
    ...(issued === undefined ? {} : { issuer: issued.issuer, serial: issued.serial, directory: issued.directory }),
    ...(renewal === undefined ? {} : { renewal: renewalOf(renewal) }),
    ...(coming === undefined ? {} : { coming: coming.stage }),
    ...(failure === undefined
      ? {}
      : {
          failure: {
            ...failure,
            sinceMs: failure.sinceMs + wallOffsetMs,
            ...(retryAtMs === undefined ? {} : { retryAtMs: retryAtMs + wallOffsetMs }),
          },
        }),
  };
  const again = stopped && `${stopped.message}; tried again ${formatTime(stopped.retryAtMs + wallOffsetMs)}`;
  return { ...base, lines: linesOf(base, coming, again === undefined ? open : [...open, again]) };
}

/** What the store said, for a host: nothing has to be repeated by hand. */
function refusalOf({ problems: [first], ...times }: Refusal, host: string) {
  const { code, message, fix } = first!;
  const cure = fix === undefined ? '' : `${fix.replace(/, then repeat the change$/, '')}; `;
  const again = `it is tried again by itself, and at once with: waxseal cert renew ${host}`;
  return { code, message, fix: `${cure}${again}`, ...times };
}

type Renewal = NonNullable<CertificateObject['data']['renewal']>;

function renewalOf({ atMs, window }: Renewal): NonNullable<CertificateView['renewal']> {
  const explanation = window?.explanationUrl === undefined ? {} : { explanationUrl: window.explanationUrl };
  return { atMs, isSuggested: window !== undefined, ...explanation };
}

type Unlined = Omit<CertificateView, 'lines'>;

const ORIGINS = { acme: 'from a CA', file: 'from a file', 'self-signed': 'signed by this server' } as const;

function linesOf(view: Unlined, coming: CertificateObject | undefined, open: readonly string[]): string[] {
  const { host, served, renewal, failure, reason, issuer } = view;
  const lines: string[] = [];
  if (served === undefined) lines.push(`${host} has no certificate yet`);
  else {
    const by = issuer === undefined || served.origin !== 'acme' ? '' : ` (${issuer})`;
    lines.push(`${host} has a certificate ${ORIGINS[served.origin]}${by} until ${formatTime(served.notAfterMs)}`);
  }
  if (reason === undefined && served?.origin === 'acme') lines.push('nothing wants it any more: it goes soon');
  const suggested = renewal?.isSuggested === true ? ', as the CA suggests' : '';
  if (renewal !== undefined) lines.push(`renewal ${formatTime(renewal.atMs)}${suggested}`);
  if (renewal?.explanationUrl !== undefined) lines.push(`the CA explains it at ${renewal.explanationUrl}`);
  if (view.stage === 'installed') lines.push('it is installed, and the policy host has not been seen with it yet');
  if (coming !== undefined) lines.push(`${served === undefined ? 'the first one' : 'the next one'} is ${coming.stage}`);
  lines.push(...open.map((text) => `  ${text}`));
  if (failure?.fix !== undefined) lines.push(`  what helps: ${failure.fix}`);
  return lines;
}
