import type { Verdict } from './flow.ts';

/** What the address of the page holds, so that it can be shared and reloaded. */
export interface UrlState {
  /** Flags of `hubble observe`. */
  readonly filter: string;
  /** Namespaces that are shown; none stands for all. */
  readonly namespaces: readonly string[];
  /** Verdicts that are shown; none stands for all. */
  readonly verdicts: readonly Verdict[];
}

const verdictNames: readonly Verdict[] = ['forwarded', 'dropped', 'audited', 'error'];
const namePattern = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const mostNamespaces = 100;

/** Reads the query of an address. What is not understood is left out. */
export function readUrlState(query: string): UrlState {
  const parameters = new URLSearchParams(query);
  const list = (name: string): string[] => [...new Set((parameters.get(name) ?? '').split(','))];
  return {
    filter: (parameters.get('filter') ?? '').trim(),
    namespaces: list('namespaces')
      .filter((name) => namePattern.test(name))
      .slice(0, mostNamespaces),
    verdicts: verdictNames.filter((name) => list('verdict').includes(name)),
  };
}

/** The query for a state, with its question mark; empty for the state that shows everything. */
export function writeUrlState({ filter, namespaces, verdicts }: UrlState): string {
  const parameters = new URLSearchParams();
  if (filter !== '') parameters.set('filter', filter);
  if (namespaces.length > 0) parameters.set('namespaces', namespaces.join(','));
  if (verdicts.length > 0) parameters.set('verdict', verdicts.join(','));
  const text = parameters.toString().replaceAll('%2C', ',').replaceAll('%2F', '/');
  return text === '' ? '' : `?${text}`;
}
