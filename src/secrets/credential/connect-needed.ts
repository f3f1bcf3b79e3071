import { Ended } from '../../core/ended.ts';

/** The user has to consent at the issuer of a server, again or for the first time. */
export class ConnectNeeded extends Ended {
  /** Where; undefined where no page is served. */
  readonly link: string | undefined;
  constructor(detail: string, link?: string) {
    super('stop', 'upstream.connect', detail);
    this.link = link;
  }
}
