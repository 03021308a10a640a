/**
 * docs/logs.md from the catalogue of the log's events. `node scripts/logs-doc.ts` writes it; a test checks that it is current.
 */
import { writeFileSync } from 'node:fs';
import { LOG_EVENTS } from '#base/log/events.ts';

/** Where the document is. */
export const LOGS_DOCUMENT = new URL('../docs/logs.md', import.meta.url);

/** What it should say. */
export function logsDocument(): string {
  const rows = Object.entries(LOG_EVENTS).map(([name, text]) => `| \`${name}\` | ${text} |`);
  return `# Events of the log

The table is made from \`src/base/log/events.ts\` by \`npm run logs-doc\`; do not edit by hand. What the log is and how it is set:
[operations.md](operations.md#following-what-happens). The stream \`/v1/events\` and alerts are other things, with names of their own.

With \`log.format = "json"\` each line is one JSON object with \`time\` (RFC 3339, UTC), \`level\` (\`debug\`, \`info\`, \`warn\`, \`error\`, \`fatal\`), \`process\`, \`pid\`,
\`event\`, \`msg\`, and fields of what it is about. \`event\` is one of these; a name, once released, keeps its meaning. The code cannot write a line with
another one. \`msg\` is for people and may change.

| Event | What it tells |
| --- | --- |
${rows.join('\n')}

\`http.request\` has \`method\`, \`url\`, \`status\`, \`ms\`, \`client\` and, unless the route is public or the sender was rejected, \`tokenId\`: the token's id as \`waxseal token list\`
shows it, \`unix\` for the administrator at the socket; never a secret.
`;
}

if (import.meta.main) writeFileSync(LOGS_DOCUMENT, logsDocument());
