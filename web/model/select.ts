import type { ShownFlow } from './flow.ts';
import type { UrlState } from './url-state.ts';

/** Whether a flow is shown: one of its sides is in a chosen namespace and its verdict is a chosen one. */
export function compileChoice({ namespaces, verdicts }: UrlState): (shown: ShownFlow) => boolean {
  const wantedNamespaces = new Set(namespaces);
  const wantedVerdicts = new Set(verdicts);
  return ({ client, server, verdict }) =>
    (wantedVerdicts.size === 0 || wantedVerdicts.has(verdict)) &&
    (wantedNamespaces.size === 0 || wantedNamespaces.has(client.namespace) || wantedNamespaces.has(server.namespace));
}
