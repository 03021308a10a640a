/** A funnel over a store of its own, for parts of control that only write documents. */
import { Funnel } from '#control/funnel/funnel.ts';
import { Publisher } from '#control/publish/publisher.ts';
import { ZonePreparer } from '#control/signing/prepare.ts';
import { type StoreWriter } from '#store/writer.ts';
import { TEST_NOW_MS, countedRandom, temporaryStore } from './temporary-store.ts';

export function plainFunnel(): { readonly writer: StoreWriter; readonly funnel: Funnel } {
  const { writer } = temporaryStore();
  const clock = { nowMs: () => TEST_NOW_MS };
  const preparer = new ZonePreparer({ writer, clock, random: countedRandom() });
  const onFatal = (failure: Error): never => {
    throw failure;
  };
  return { writer, funnel: new Funnel({ writer, publisher: new Publisher(() => undefined), clock, preparer, onFatal }) };
}
