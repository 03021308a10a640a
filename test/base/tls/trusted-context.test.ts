/** One context for all requests with the same roots: a context of its own for each would pile up outside of the heap. */
import { rootCertificates } from 'node:tls';
import { expect, test } from 'vitest';
import { TRUSTED_CONTEXTS_MAX } from '#base/limits/outside.ts';
import { trustedContext } from '#base/tls/trusted-context.ts';

const root = (at: number): string => `${rootCertificates[at]!}\n`;

test('the same roots have the same context, others another one', () => {
  expect(trustedContext()).toBe(trustedContext());
  expect(trustedContext(root(0))).toBe(trustedContext(root(0)));
  expect(trustedContext(root(1))).not.toBe(trustedContext(root(0)));
});

test('only a few are kept: those that were used last', () => {
  const first = trustedContext(root(2));
  for (let at = 3; at < 2 + TRUSTED_CONTEXTS_MAX; at++) trustedContext(root(at));
  expect(trustedContext(root(2))).toBe(first);
  for (let at = 3; at < 3 + TRUSTED_CONTEXTS_MAX; at++) trustedContext(root(at));
  expect(trustedContext(root(2))).not.toBe(first);
});
