/** What each ABI of Landlock knows (Documentation/userspace-api/landlock.rst). That it holds is in hostile.test.ts. */
import { expect, test } from 'vitest';
import { handledBy } from '#process/confine/landlock.ts';

test.each([
  [1, { fs: 0x1fff, net: 0, scoped: 0 }],
  [2, { fs: 0x3fff, net: 0, scoped: 0 }],
  [3, { fs: 0x7fff, net: 0, scoped: 0 }],
  [4, { fs: 0x7fff, net: 3, scoped: 0 }],
  [5, { fs: 0xffff, net: 3, scoped: 0 }],
  [6, { fs: 0xffff, net: 3, scoped: 3 }],
  [7, { fs: 0xffff, net: 3, scoped: 3 }],
  // Of one that is not known yet: as much as of the last one that is.
  [99, { fs: 0xffff, net: 3, scoped: 3 }],
])('ABI %i', (abi, handled) => {
  expect(handledBy(abi)).toEqual(handled);
});
