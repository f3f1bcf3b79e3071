/** A browser of one person, as much as the flow needs: cookies, links, redirects, forms. */
export class Browser {
  readonly #cookies = new Map<string, Map<string, string>>();
  readonly #person: string;

  constructor(person: string) {
    this.#person = person;
  }

  async go(url: string, form?: Record<string, string>): Promise<{ status: number; text: string; url: string }> {
    let [at, body, status] = [new URL(url), form && new URLSearchParams(form).toString(), 0];
    for (let hop = 0; hop < 20; hop++) {
      const jar = this.#cookies.get(at.host) ?? new Map([['person', this.#person]]);
      this.#cookies.set(at.host, jar);
      const response = await fetch(at, {
        method: body === undefined ? 'GET' : 'POST',
        redirect: 'manual',
        headers: {
          cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; '),
          ...(body !== undefined && { origin: at.origin, 'content-type': 'application/x-www-form-urlencoded' }),
        },
        ...(body !== undefined && { body }),
      });
      for (const line of response.headers.getSetCookie()) {
        const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!;
        jar.set(name!, value!);
      }
      status = response.status;
      const location = response.headers.get('location');
      if (location === null) return { status, text: await response.text(), url: at.href };
      [at, body] = [new URL(location, at), undefined];
    }
    throw new Error('too many redirects');
  }

  /** From the link of the gateway to the end: agrees, goes on, signs in, comes back. */
  async connect(
    link: string,
    fields: Record<string, string> = {},
  ): Promise<{ status: number; text: string; url: string }> {
    const first = await this.go(link);
    if (first.status !== 200) return first;
    const agreed = await this.go(link, fields);
    const on = /href="([^"]+)">Go on/.exec(agreed.text)?.[1]?.replaceAll('&amp;', '&');
    return on === undefined ? agreed : this.go(on);
  }
}
