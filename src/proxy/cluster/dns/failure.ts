/** What c-ares calls its errors, by Node's codes for them. */
const WORDS: Readonly<Record<string, string>> = {
  ENODATA: 'DNS server returned answer with no data',
  EFORMERR: 'DNS server claims query was misformatted',
  ESERVFAIL: 'DNS server returned general failure',
  ENOTFOUND: 'Domain name not found',
  ENOTIMP: 'DNS server does not implement requested operation',
  EREFUSED: 'DNS server refused query',
  EBADNAME: 'Misformatted domain name',
  EBADRESP: 'Misformatted DNS reply',
  ECONNREFUSED: 'Could not contact DNS servers',
  ETIMEOUT: 'Timeout while contacting DNS servers',
  ECANCELLED: 'DNS query cancelled',
};

/** Why a name has no addresses, as Envoy's details of a response say it. `code`: of the error; undefined: there are none and nothing is wrong. */
export function missingDetails(code: string | undefined): string {
  return details(code === undefined ? 'cares_norecords' : `cares_norecords:${WORDS[code] ?? code}`);
}

/** Why a look-up failed, in the same words. */
export function failureDetails(error: unknown): string {
  const { code = String(error) } = (error ?? {}) as NodeJS.ErrnoException;
  return details(`cares_failure:${WORDS[code] ?? code}`);
}

/** The same for anything: it stands in a line of a log, without spaces. */
export function details(text: string): string {
  return `dns_resolution_failure{${text.replaceAll(/\s/g, '_')}}`;
}
