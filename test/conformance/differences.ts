/**
 * Where ciliate-proxy answers otherwise than Envoy on purpose. A case names its entry, both answers are recorded, and a case whose
 * answers agree after all fails: then the entry goes. Each entry stands in docs/divergence.md.
 */
export const differences: Readonly<Record<string, string>> = {
  'admin-paths':
    'the admin interface lists the paths that there are: profilers, heap dumps and lookup tracking are not among them',
  'drain-close':
    'a connection that drains is closed after the response that says so; Envoy leaves it open for drain_timeout',
  'upstream-metadata':
    "dynamic metadata that a cluster's filters set shows in the access log of the request, so that a flow can name the rule that judged it",
};
