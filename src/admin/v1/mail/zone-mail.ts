/** What the routes about the mail of a zone share. */
import { type Result, fail, ok } from '#base/problem.ts';
import { type Machine } from '#lifecycle/machine.ts';
import { noPolicy } from '#control/commands/absent.ts';
import type { MailView } from '#control/api/mail.ts';
import type { ZoneAsked } from '#admin/http/find-zone.ts';
import type { Shown } from '#admin/http/read-route.ts';

/** What `show` makes of the zone's mail, or the problem that the zone has no mail policy. */
export function withMail({ control, zone }: ZoneAsked, show: (mail: MailView) => Shown): Result<Shown> {
  const mail = control.mail.view(zone);
  return mail === undefined ? fail(noPolicy(zone.name)) : ok(show(mail));
}

/** The lines for people about the objects of these machines. */
export function linesOf({ explanations }: MailView, ...machines: readonly Machine[]): string[] {
  return explanations.filter((each) => machines.some(({ kind }) => kind === each.machine)).flatMap((each) => each.lines);
}
