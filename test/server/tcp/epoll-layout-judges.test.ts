/** The C compiler judges the numbers of epoll and of TCP's sockets, and where an event's members are. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { EPOLL_EVENT, TCP_NUMBER } from '#server/tcp/epoll-syscalls.ts';
import { temporaryFolder } from '../../support/temporary-store.ts';
import { toolPath } from '../../support/tools.ts';

test('structures and numbers are those of the C headers', () => {
  const names = Object.keys(TCP_NUMBER);
  const dir = temporaryFolder();
  const [source, program] = [join(dir, 'layout.c'), join(dir, 'layout')];
  writeFileSync(
    source,
    `#define _GNU_SOURCE
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
int main(void) {
printf("epoll_event %zu %zu %zu\\n", sizeof(struct epoll_event), offsetof(struct epoll_event, events), offsetof(struct epoll_event, data));
${names.map((name) => `printf("${name} %lu\\n", (unsigned long)(unsigned)${name});`).join('\n')}
}
`,
  );
  execFileSync(toolPath('gcc'), ['-include', 'netinet/in.h', '-o', program, source]);
  const told = execFileSync(program, { encoding: 'utf8' }).trim().split('\n');
  const ours = Object.entries(TCP_NUMBER).map(([name, value]) => `${name} ${value}`);
  expect(told).toEqual([`epoll_event ${EPOLL_EVENT.sizeBytes} 0 ${EPOLL_EVENT.dataOffset}`, ...ours]);
});
