/** An SPF tree as text for people: one line for each term that counts, its look-ups in a column. */
import { SPF_LOOKUPS_MAX } from '#base/limits/spf.ts';
import { type SpfBranch, type SpfTree, type SpfTreeState } from './tree.ts';

/** What stands behind a record that cannot be gone into. */
const REMARKS: Readonly<Record<SpfTreeState, string>> = {
  record: '',
  none: 'no SPF record: an error at every receiver',
  multiple: 'more than one SPF record: an error at every receiver',
  malformed: 'not well formed: an error at every receiver',
  unresolved: 'cannot be looked up now',
  loop: `a circle: costs more than ${SPF_LOOKUPS_MAX} look-ups`,
  dynamic: 'depends on the message',
  unvisited: 'not looked at: too many records',
};

/** `3 look-ups, 1 void`. */
export function formatCost({ lookups, voids }: { lookups: number; voids: number }): string {
  return `${lookups} look-up${lookups === 1 ? '' : 's'}, ${voids} void${voids === 1 ? '' : 's'}`;
}

/** Lines without a final line break. The number behind a term is its look-ups with all below it. */
export function drawSpfTree(tree: SpfTree): string {
  const rows: { left: string; cost: string; remark: string }[] = [];
  const draw = (branches: readonly SpfBranch[], indent: string) => {
    const entries = gathered(branches);
    for (const [at, { label, branch }] of entries.entries()) {
      const isLast = at === entries.length - 1;
      rows.push({
        left: `${indent}${isLast ? '└─' : '├─'} ${label}`,
        cost: branch === undefined ? '' : String(branch.lookups),
        remark: remarkOf(branch),
      });
      if (branch?.below !== undefined) draw(branch.below.branches, `${indent}${isLast ? '   ' : '│  '}`);
    }
  };
  draw(tree.branches, '');
  const width = Math.max(0, ...rows.map(({ left }) => left.length));
  const costWidth = Math.max(0, ...rows.map(({ cost }) => cost.length));
  // A domain need not have a record; an include without one is an error.
  const whole = tree.state === 'none' ? ['no SPF record', tree.near ?? []].flat().join('; ') : REMARKS[tree.state];
  const remark = whole === '' ? '' : ` (${whole})`;
  return [
    `${tree.domain}: ${formatCost(tree)}, ${tree.ownerBytes} octets of TXT with the name${remark}`,
    ...rows.map((row) =>
      `${row.left.padEnd(width)}  ${row.cost.padStart(costWidth)}${row.remark === '' ? '' : `  ${row.remark}`}`.trimEnd(),
    ),
  ].join('\n');
}

/** Terms in order; neighbouring addresses become one entry, because there may be hundreds. */
function gathered(branches: readonly SpfBranch[]): { label: string; branch: SpfBranch | undefined }[] {
  const entries: { label: string; branch: SpfBranch | undefined }[] = [];
  for (let at = 0; at < branches.length;) {
    const branch = branches[at]!;
    let end = at;
    while (/^[-~?]?ip[46]:/.test(branches[end]?.term ?? '')) end++;
    if (end - at > 2) {
      entries.push({ label: `${branch.term} … ${branches[end - 1]!.term} (${end - at} networks)`, branch: undefined });
      at = end;
    } else {
      entries.push({ label: branch.term, branch: branch.lookups === 0 ? undefined : branch });
      at++;
    }
  }
  return entries;
}

function remarkOf(branch: SpfBranch | undefined): string {
  if (branch === undefined) return '';
  const remarks = [branch.below === undefined ? '' : REMARKS[branch.below.state]];
  if (branch.below === undefined) {
    if (branch.voids > 0) remarks.push('finds nothing');
    else if (branch.voidsIpv4 > 0 && branch.voidsIpv6 > 0) remarks.push('may find nothing');
    else if (branch.voidsIpv6 > 0) remarks.push('finds nothing for IPv6 clients');
    else if (branch.voidsIpv4 > 0) remarks.push('finds nothing for IPv4 clients');
    if (branch.isUnresolved) remarks.push(REMARKS.unresolved);
  }
  return remarks.filter((each) => each !== '').join('; ');
}
