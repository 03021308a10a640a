/** The C compiler judges the layout of structures and the numbers of constants, from the machine's own headers. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { BPF_ATTR, BPF_COMMAND, XDP_NUMBER, XDP_RING_OFFSET, XDP_STRUCTURES } from '#server/udp/xdp-layout.ts';
import { temporaryFolder } from '../../support/temporary-store.ts';
import { toolPath } from '../../support/tools.ts';

const RING_NAMES = {
  rx: 'XDP_PGOFF_RX_RING',
  tx: 'XDP_PGOFF_TX_RING',
  fr: 'XDP_UMEM_PGOFF_FILL_RING',
  cr: 'XDP_UMEM_PGOFF_COMPLETION_RING',
} as const;

/** Members of bpf_attr stand in structures without a name, or, for two commands, with one. */
const INSIDE: Readonly<Record<string, string>> = { BPF_LINK_CREATE: 'link_create.', BPF_PROG_TEST_RUN: 'test.' };

test('structures and numbers are those of the C headers', () => {
  const numbers = { ...XDP_NUMBER, ...BPF_COMMAND };
  const expected: [string, number][] = [
    ...Object.entries(XDP_STRUCTURES).flatMap(([name, { members, sizeBytes }]): [string, number][] => [
      [`sizeof(struct ${name})`, sizeBytes],
      ...Object.entries(members).map(([member, offset]): [string, number] => [
        `offsetof(struct ${name}, ${member})`,
        offset,
      ]),
    ]),
    ...Object.entries(BPF_ATTR).flatMap(([command, members]) =>
      Object.entries(members).map(([member, offset]): [string, number] => [
        `offsetof(union bpf_attr, ${INSIDE[command] ?? ''}${member})`,
        offset,
      ]),
    ),
    ...Object.entries(numbers).map(([name, value]): [string, number] => [name, value]),
    ...Object.entries(XDP_RING_OFFSET).map(([name, offset]): [string, number] => [RING_NAMES[name as 'rx'], offset]),
  ];
  const dir = temporaryFolder();
  const [source, program] = [join(dir, 'layout.c'), join(dir, 'layout')];
  writeFileSync(
    source,
    `#define _GNU_SOURCE
#include <linux/bpf.h>
#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/if_xdp.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
int main(void) {
${expected.map(([text]) => `printf("%lld\\n", (long long)(${text}));`).join('\n')}
}
`,
  );
  execFileSync(toolPath('gcc'), ['-o', program, source]);
  const told = execFileSync(program, { encoding: 'utf8' }).trim().split('\n').map(Number);
  expect(Object.fromEntries(expected.map(([text], at) => [text, told[at]]))).toEqual(Object.fromEntries(expected));
});
