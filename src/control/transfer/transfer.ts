/**
 * The parts of transfers, put together: keys, secondaries, what announces changes to them.
 * Not here: serving transfers (transfer/).
 */
import { type Clock } from '#base/clock.ts';
import { type StoreWriter } from '#store/writer.ts';
import { type TransferApi } from '#control/api/transfer.ts';
import { type Publisher } from '#control/publish/publisher.ts';
import { catalogHandlers, catalogsApi } from './catalogs.ts';
import { type Notifier, zoneNotifier } from './notifier.ts';
import { type BareTransferApi, type SecondariesOptions, secondaryHandlers, transferApi } from './secondaries.ts';
import { type ForwarderOptions, UpdateForwarder } from '#control/update/forward.ts';
import { Updates, type UpdatesOptions } from '#control/update/updates.ts';
import { TsigKeyring, type TsigKeysOptions } from './tsig-keys.ts';

export interface TransferPartsOptions extends TsigKeysOptions, Pick<UpdatesOptions, 'run' | 'refused'> {
  readonly writer: StoreWriter;
  readonly publisher: Publisher;
  readonly clock: Clock;
}

export interface TransferParts {
  readonly keys: TsigKeyring;
  /** Announces changes once it is started. */
  readonly notifier: Notifier;
  /** Answers UPDATE messages. */
  readonly updates: Updates;
  readonly api: BareTransferApi;
  readonly handlers: ReturnType<typeof secondaryHandlers> & ReturnType<typeof catalogHandlers>;
}

/** What is known of zones that come from elsewhere. */
export interface Elsewhere extends Pick<ForwarderOptions, 'primaries' | 'access'> {
  readonly view: TransferApi['primaries'];
}

export function transferParts(options: TransferPartsOptions, { view, primaries, access }: Elsewhere): TransferParts {
  const { writer } = options;
  const keys = new TsigKeyring(options);
  const notifier = zoneNotifier({ ...options, keys });
  const listed = { ...options, keys: () => keys.list() };
  const onChanged: SecondariesOptions['onChanged'] = (zone) => notifier.changed(zone, writer.generation());
  const handlers = { ...secondaryHandlers({ ...listed, onChanged }), ...catalogHandlers(listed) };
  const forwarder = new UpdateForwarder({ primaries, access, clock: options.clock });
  const updates = new Updates({ ...options, forwarder, keys: () => keys.updateKeys() });
  keys.onChange(() => updates.keysChanged(new Set(keys.list().map(({ name }) => name))));
  const api = transferApi({ writer, keys, notifier, primaries: view, catalogs: catalogsApi(writer) });
  return { keys, notifier, updates, api, handlers };
}
