/** A domain whose SPF record includes two third parties, with ten look-ups and one void, and its tree after changes. */
import { type SpfTree, spfTree } from '#mail/spf/tree.ts';
import { type Table, tableResolver } from '../table-resolver.ts';

export const SPF_WORLD: Table = {
  'example.com': {
    txt: [
      'v=spf1 mx a:www.example.com include:_spf.mailer.example include:crm.example ip4:192.0.2.1 ip4:192.0.2.2 ip6:2001:db8::1 -all',
      'token=1',
    ],
    mx: ['10 mx.example.com'],
  },
  'mx.example.com': { a: ['192.0.2.9'], aaaa: ['2001:db8::9'] },
  'www.example.com': { a: ['192.0.2.10'] },
  '_spf.mailer.example': { txt: ['v=spf1 include:_a.mailer.example include:_b.mailer.example ~all'] },
  '_a.mailer.example': { txt: ['v=spf1 ip4:198.51.100.0/24 ~all'] },
  '_b.mailer.example': { txt: ['v=spf1 ip4:203.0.113.0/24 a:gone.mailer.example ~all'] },
  'crm.example': { txt: ['v=spf1 exists:%{i}.spf.crm.example redirect=_spf.%{d}'] },
  '_spf.crm.example': { txt: ['v=spf1 ptr -all'] },
};

/** The tree of `domain` in the world with `changes`. */
export function treeWith(changes: Table = {}, domain = 'example.com'): Promise<SpfTree> {
  return spfTree(domain, tableResolver({ ...SPF_WORLD, ...changes }));
}
