/**
 * Which methods a path has: tells "no such resource" (404) from "not with this method" (405).
 * Implements: RFC 9110 §15.5.6. Not here: the list of all routes (admin/routes.ts).
 */

export class AllowedMethods {
  readonly #routes: { readonly pattern: RegExp; readonly methods: readonly string[] }[] = [];

  /** `url` as Fastify has it: `:name` stands for one segment, `*` for any text. */
  add(method: string | readonly string[], url: string): void {
    const pattern = url
      .replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`)
      .replaceAll(/:[A-Za-z]+/g, '[^/]+')
      .replaceAll('*', '.*');
    this.#routes.push({ pattern: new RegExp(`^${pattern}$`), methods: typeof method === 'string' ? [method] : method });
  }

  /** Sorted, with HEAD beside GET. */
  methodsOf(url: string): readonly string[] {
    const path = url.split('?')[0]!;
    return [...new Set(this.#routes.filter(({ pattern }) => pattern.test(path)).flatMap(({ methods }) => methods))].toSorted();
  }
}
