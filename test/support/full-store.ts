/** A store that has no space for some writes, or for all: those that changes take, one by one or together. */
import { type MockInstance, vi } from 'vitest';
import { WHOLE } from '#base/place.ts';
import { StoreFailure } from '#store/failure.ts';
import { type StoreWrite, type StoreWriter } from '#store/writer.ts';

const FIX = 'make room on that file system, then repeat the change';

/** Until `mockRestore`, writes that `isRefused` says are STORE_FULL. */
export function fullFor(writer: StoreWriter, isRefused: (write: StoreWrite) => boolean = () => true): MockInstance {
  const together = writer.commitTogether.bind(writer);
  return vi.spyOn(writer, 'commitTogether').mockImplementation((collect) =>
    together((apply) =>
      collect((write) => {
        if (isRefused(write)) throw new StoreFailure('STORE_FULL', WHOLE, 'no space is left', FIX);
        return apply(write);
      }),
    ),
  );
}

/** A certificate is installed. */
export function installsCertificate({ documents = [] }: StoreWrite): boolean {
  return documents.some(({ kind }) => kind === 'tls-host');
}
