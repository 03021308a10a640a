/** The macro examples of RFC 7208 §7.4: for the macros by themselves, and for an evaluation that looks the names up. */

/** The sender and the clients of the examples. */
export const EXAMPLE_SENDER = 'strong-bad@email.example.com';
export const EXAMPLE_DOMAIN = 'email.example.com';
export const EXAMPLE_IPV4 = '192.0.2.3';
export const EXAMPLE_IPV6 = '2001:db8::cb01';

const NIBBLES = '1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2';

/** Macro string, client, what it becomes. */
export const MACRO_EXAMPLES: readonly (readonly [string, string, string])[] = [
  ['%{s}', EXAMPLE_IPV4, 'strong-bad@email.example.com'],
  ['%{o}', EXAMPLE_IPV4, 'email.example.com'],
  ['%{d}', EXAMPLE_IPV4, 'email.example.com'],
  ['%{d4}', EXAMPLE_IPV4, 'email.example.com'],
  ['%{d3}', EXAMPLE_IPV4, 'email.example.com'],
  ['%{d2}', EXAMPLE_IPV4, 'example.com'],
  ['%{d1}', EXAMPLE_IPV4, 'com'],
  ['%{dr}', EXAMPLE_IPV4, 'com.example.email'],
  ['%{d2r}', EXAMPLE_IPV4, 'example.email'],
  ['%{l}', EXAMPLE_IPV4, 'strong-bad'],
  ['%{l-}', EXAMPLE_IPV4, 'strong.bad'],
  ['%{lr}', EXAMPLE_IPV4, 'strong-bad'],
  ['%{lr-}', EXAMPLE_IPV4, 'bad.strong'],
  ['%{l1r-}', EXAMPLE_IPV4, 'strong'],
  ['%{ir}.%{v}._spf.%{d2}', EXAMPLE_IPV4, '3.2.0.192.in-addr._spf.example.com'],
  ['%{lr-}.lp._spf.%{d2}', EXAMPLE_IPV4, 'bad.strong.lp._spf.example.com'],
  ['%{lr-}.lp.%{ir}.%{v}._spf.%{d2}', EXAMPLE_IPV4, 'bad.strong.lp.3.2.0.192.in-addr._spf.example.com'],
  ['%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}', EXAMPLE_IPV4, '3.2.0.192.in-addr.strong.lp._spf.example.com'],
  ['%{d2}.trusted-domains.example.net', EXAMPLE_IPV4, 'example.com.trusted-domains.example.net'],
  ['%{ir}.%{v}._spf.%{d2}', EXAMPLE_IPV6, `${NIBBLES}.ip6._spf.example.com`],
];
