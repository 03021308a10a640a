/**
 * The parts that keep zones from primaries, put together.
 * Not here: serving them (transfer/).
 */
import { type Problem, ok } from '#base/problem.ts';
import { type Name } from '#dns/name.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import { type MetricFamily } from '#control/api/control.ts';
import { type NotifyFollower } from '#control/transfer/notify-intake.ts';
import { type TransferParts, type TransferPartsOptions, transferParts } from '#control/transfer/transfer.ts';
import { type TakeTransfer } from './take-apart.ts';
import { askSoa } from './ask-soa.ts';
import { fetchZone } from './fetch-zone.ts';
import { type KeeperOptions, SecondaryKeeper } from './keeper.ts';
import { PLACE_LIMITS, TransferPlaces } from './places.ts';
import { type PrimaryTlsOptions, primaryAccess } from './primary-access.ts';
import { primariesHandlers } from './primaries.ts';
import { roleHandlers } from './role.ts';
import { secondaryFamilies } from './metrics.ts';

/** What follows from NOTIFY messages, by their type. */
type Followers = ReadonlyMap<RrType, NotifyFollower>;

export interface SecondaryPartsOptions extends TransferPartsOptions {
  readonly recordsPerRrsetMax: number;
  /** Of certificates of hosts, which are shown to primaries. */
  readonly settings: { readonly sealer?: PrimaryTlsOptions['sealer'] };
  readonly primaryRoots?: PrimaryTlsOptions['extraRoots'];
  readonly alert: (zone: string | undefined, problems: readonly Problem[]) => Promise<void>;
  /** Who makes large zones ready and writes them; absent: this process. */
  readonly takeTransfer?: TakeTransfer | undefined;
}

export interface SecondaryParts extends Omit<TransferParts, 'handlers'> {
  /** Looks at zones once it is started. */
  readonly keeper: SecondaryKeeper;
  readonly handlers: TransferParts['handlers'] & ReturnType<typeof primariesHandlers> & ReturnType<typeof roleHandlers>;
  /** With one more: a primary has said that a zone has changed. */
  readonly followers: (others: { readonly followers: Followers }) => Followers;
  readonly families: () => readonly MetricFamily[];
  /** The zone comes from other primaries from now on, or anew. */
  readonly follow: (zone: Name) => void;
}

/** With those of transfers to others (control/transfer/). */
export function secondaryParts(options: SecondaryPartsOptions): SecondaryParts {
  const { writer, clock, random, settings, primaryRoots: extraRoots, takeTransfer } = options;
  const { sealer = () => ok(writer.sealer) } = settings;
  const access: KeeperOptions['access'] = (primary) =>
    primaryAccess(primary, { reader: writer, sealer, extraRoots, key: (name) => keys.text(name) });
  const transfer = transferParts(options, {
    view: (zone) => keeper.view(zone),
    primaries: (zone) => keeper.primariesOf(zone),
    access,
  });
  const { keys } = transfer;
  const places = new TransferPlaces(PLACE_LIMITS, () => performance.now());
  const keeper: SecondaryKeeper = new SecondaryKeeper({
    ...options,
    apart: takeTransfer && { folder: writer.dir, takeTransfer },
    askSoa,
    fetchZone,
    inPlace: (address, work) => places.use(address, work),
    nowMs: () => clock.nowMs(),
    chance: () => Buffer.from(random(4)).readUInt32BE() / 2 ** 32,
    access,
  });
  const follow = (zone: Name): void => {
    const record = writer.zoneByName(zone);
    if (record !== undefined) keeper.follow(record);
  };
  const roles = { writer, clock, askSoa, access, keys: () => keys.list(), onFollow: follow };
  const handlers = { ...primariesHandlers(roles), ...roleHandlers(roles) };
  const notified: NotifyFollower = (zone) => {
    const record = writer.zoneByName(zone);
    if (record !== undefined) keeper.notified(record.id);
  };
  return {
    ...transfer,
    keeper,
    followers: (others) => new Map([...others.followers, [TYPE.SOA, notified]]),
    handlers: { ...transfer.handlers, ...handlers },
    families: () => secondaryFamilies(writer.zones(), keeper, places),
    follow,
  };
}
