import type { Fields } from '../../config/fields.ts';
import { CidrIndex, readCidr } from '../cidr.ts';
import type { MatchTree } from './tree.ts';

/** The action that a value leads to. */
export type Find<Subject, Action> = (value: string, subject: Subject) => ReturnType<MatchTree<Subject, Action>>;
type ReadBranch<Subject, Action> = (fields: Fields) => MatchTree<Subject, Action>;

const NOTHING = (): undefined => undefined;

/**
 * Reads an `xds.type.matcher.v3.IPMatcher`: ranges with the longest prefix come first, then in the order in which they stand. An exclusive
 * one counts only where nothing comes before it.
 */
export function readIpMatcher<Subject, Action>(
  fields: Fields,
  readBranch: ReadBranch<Subject, Action>,
): Find<Subject, Action> {
  const index = new CidrIndex<{ readonly exclusive: boolean; readonly branch: MatchTree<Subject, Action> }>();
  fields.list('range_matchers', (matcher) => {
    const exclusive = matcher.flag('exclusive');
    const branch = matcher.message('on_match', readBranch) ?? NOTHING;
    for (const cidr of matcher.list('ranges', readCidr)) if (cidr) index.add(cidr, { exclusive, branch });
  });
  return (value, subject) => {
    const found = index.find(value);
    for (let at = 0; at < found.length; at++) {
      const one = found[at];
      const action = !one || (at > 0 && one.exclusive) ? undefined : one.branch(subject);
      if (action !== undefined) return action;
    }
    return undefined;
  };
}

/** Reads an `xds.type.matcher.v3.ServerNameMatcher`: the name itself, then `*.` before ever shorter ends of it, then `*`. */
export function readDomainMatcher<Subject, Action>(
  fields: Fields,
  readBranch: ReadBranch<Subject, Action>,
): Find<Subject, Action> {
  const branches = new Map<string, MatchTree<Subject, Action>>();
  fields.list('domain_matchers', (matcher) => {
    const branch = matcher.message('on_match', readBranch) ?? NOTHING;
    for (const [at, domain] of matcher.strings('domains').entries()) {
      const fault = branches.has(domain) ? `Duplicate domain in ServerNameMatcher: ${domain}` : domainFault(domain);
      if (fault !== undefined) matcher.problem(`domains[${at}]`, fault);
      branches.set(domain, branch);
    }
  });
  return (value, subject) => {
    if (value === '') return undefined;
    let action = branches.get(value)?.(subject);
    for (let dot = value.indexOf('.'); action === undefined && dot >= 0; dot = value.indexOf('.', dot + 1)) {
      action = branches.get(`*${value.slice(dot)}`)?.(subject);
    }
    return action ?? branches.get('*')?.(subject);
  };
}

function domainFault(domain: string): string | undefined {
  if (domain === '*') return undefined;
  if (domain === '') return 'Empty domain in ServerNameMatcher';
  const star = domain.indexOf('*');
  if (star < 0) return undefined;
  if (star > 0 || domain.length < 3 || domain[1] !== '.') {
    return `Invalid wildcard domain format: ${domain}. Only '*' and '*.domain' patterns are supported`;
  }
  return domain.includes('*', 1)
    ? `Invalid wildcard domain format: ${domain}. Multiple wildcards are not supported`
    : undefined;
}
