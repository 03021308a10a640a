/** The C compiler judges the layout of structures and the numbers of constants. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { arch } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ARCHITECTURES, NUMBER, STRUCTURES, type Structure } from '#server/udp/mmsg-layout.ts';
import { temporaryFolder } from '../../support/temporary-store.ts';
import { toolPath } from '../../support/tools.ts';

test('structures and numbers are those of the C headers', () => {
  expect(ARCHITECTURES).toContain(arch());
  const structures = Object.entries<Structure>(STRUCTURES);
  const lines = [
    ...structures.flatMap(([name, { members }]) => [
      `SIZE(${name})`,
      ...Object.keys(members).map((member) => (member === 'sin_zero' ? '' : `PLACE(${name}, ${member})`)),
    ]),
    ...Object.keys(NUMBER).map((name) => `NUMBER(${name})`),
  ];
  const dir = temporaryFolder();
  const [source, program] = [join(dir, 'layout.c'), join(dir, 'layout')];
  writeFileSync(
    source,
    `#define _GNU_SOURCE
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#define SIZE(s) printf(#s " %zu\\n", sizeof(struct s));
#define PLACE(s, m) printf(#s "." #m " %zu\\n", offsetof(struct s, m));
#define NUMBER(n) printf(#n " %ld\\n", (long)n);
int main(void) {
${lines.join('\n')}
}
`,
  );
  execFileSync(toolPath('gcc'), ['-o', program, source]);
  const told = execFileSync(program, { encoding: 'utf8' }).trim().split('\n');
  const ours = [
    ...structures.flatMap(([name, { members, sizeBytes }]) => [
      `${name} ${sizeBytes}`,
      ...Object.entries(members).flatMap(([member, { offset }]) => (member === 'sin_zero' ? [] : [`${name}.${member} ${offset}`])),
    ]),
    ...Object.entries(NUMBER).map(([name, value]) => `${name} ${value}`),
  ];
  expect(told).toEqual(ours);
});
