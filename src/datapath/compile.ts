import { fail, type Issue, ok, parseCidr, parseIp, type Result } from '../base/index.ts';
import type { DatapathPlan, Enforcement, LocalEndpoint, ServiceEntry } from '../plan/index.ts';
import { dynamicChains } from './dynamic-chains.ts';
import { ElementSets } from './element-sets.ts';
import { addPolicyElements, redirectChain } from './policy-elements.ts';

/** What the ruleset holds beside its skeleton. */
export interface Ruleset {
  /** Chains that elements go to, by name, as rules. They depend on their name only. */
  readonly chains: ReadonlyMap<string, readonly string[]>;
  readonly sets: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

/**
 * The elements of the table for a plan. Pure. IPv6 addresses are left out: the datapath carries IPv4 only.
 * Answers what a plan holds that no ruleset can; then nothing of it may be applied.
 */
export function compileRuleset(plan: DatapathPlan): Result<Ruleset, Issue[]> {
  const sets = new ElementSets();
  const issues: Issue[] = [
    ...addNodes(sets, plan),
    ...plan.endpoints.flatMap((endpoint, index) => addEndpoint(sets, endpoint, `datapath.endpoints[${index}]`)),
    ...addIpcache(sets, plan),
    ...plan.services.flatMap((service, index) => addService(sets, service, `datapath.services[${index}]`)),
    ...addServiceRedirects(sets, plan),
  ];
  const policy = addPolicyElements(sets, plan.policy);
  if (!policy.ok) issues.push(...policy.error);
  if (issues.length > 0) return fail(issues);
  return ok({ chains: dynamicChains(sets.sets), sets: sets.sets });
}

const isIpv4 = (text: string): boolean => parseIp(text)?.bits === 32;
const isPort = (port: number): boolean => Number.isInteger(port) && port > 0 && port < 65536;

function addNodes(sets: ElementSets, plan: DatapathPlan): Issue[] {
  const issues: Issue[] = [];
  const nodes = [plan.node, ...plan.peers];
  for (const node of nodes) {
    const podCidr = parseCidr(node.podCidr);
    if (!isIpv4(node.address) || !isIpv4(node.routerAddress) || podCidr?.bits !== 32) {
      issues.push({ path: `datapath.nodes[${node.name}]`, message: 'an address is not IPv4' });
      continue;
    }
    sets.add('node_addresses', node.address);
    sets.add('pod_ranges', node.podCidr);
    if (plan.host && node !== plan.node) sets.add('guarded_nodes', node.address);
    if (plan.mode === 'vxlan' || node === plan.node) sets.add('underlay_forbidden', node.podCidr);
  }
  if (issues.length > 0) return issues;
  if (parseCidr(plan.serviceCidr)?.bits !== 32) {
    return [{ path: 'datapath.serviceCidr', message: `${plan.serviceCidr} is no IPv4 range` }];
  }
  sets.add('overlay_forbidden', plan.node.podCidr);
  sets.add('service_range', plan.serviceCidr);
  for (const address of [plan.node.address, plan.node.routerAddress]) {
    sets.add('local_addresses', address);
    if (plan.host) addEnforced(sets, address, plan.host);
  }
  return [];
}

function addEndpoint(sets: ElementSets, endpoint: LocalEndpoint, path: string): Issue[] {
  if (!isIpv4(endpoint.address)) return [{ path: `${path}.address`, message: `${endpoint.address} is not IPv4` }];
  if (!/^lxc[0-9a-z]{1,12}$/.test(endpoint.interfaceName)) {
    return [
      {
        path: `${path}.interfaceName`,
        message: `"${endpoint.interfaceName}"`,
        allowed: 'lxc and up to 12 letters or digits',
      },
    ];
  }
  sets.add('endpoint_links', `"${endpoint.interfaceName}" . ${endpoint.address}`);
  sets.add('local_endpoints', endpoint.address);
  sets.add('hairpin', `${endpoint.address} . ${endpoint.address}`);
  addEnforced(sets, endpoint.address, endpoint);
  return [];
}

function addEnforced(sets: ElementSets, address: string, enforcement: Enforcement): void {
  if (enforcement.audit) sets.add('audited', address);
  if (enforcement.answerDenials) sets.add('answered', address);
  for (const [direction, enforced] of [
    ['egress', enforcement.enforceEgress],
    ['ingress', enforcement.enforceIngress],
  ] as const) {
    if (!enforced) continue;
    sets.add(`${direction}_enforced`, address);
    sets.add(`${direction}_subjects`, address);
  }
}

function addIpcache(sets: ElementSets, plan: DatapathPlan): Issue[] {
  const issues: Issue[] = [];
  plan.ipcache.forEach(({ cidr, identity }, index) => {
    const parsed = parseCidr(cidr);
    if (!parsed) {
      issues.push({ path: `datapath.ipcache[${index}].cidr`, message: `"${cidr}"`, allowed: 'a prefix a.b.c.d/n' });
    } else if (parsed.bits === 32) {
      if (parsed.prefix === 32) sets.add('ipcache', cidr.slice(0, cidr.indexOf('/')), String(identity));
      else sets.add('ipcache_cidr', cidr, String(identity));
    }
  });
  return issues;
}

function addService(sets: ElementSets, service: ServiceEntry, path: string): Issue[] {
  if (!isIpv4(service.address)) return [];
  if (!isPort(service.port)) return [{ path: `${path}.port`, message: `${service.port}`, allowed: '1 to 65535' }];
  const backends = service.backends.filter(({ address, port }) => isIpv4(address) && isPort(port));
  if (backends.length === 0) return [];
  const frontend = `${service.address} . ${service.protocol} . ${service.port}`;
  sets.add('services', frontend, `goto pick_${backends.length}`);
  backends.forEach(({ address, port }, slot) => {
    sets.add('backends', `${frontend} . ${slot}`, `${address} . ${port}`);
  });
  return [];
}

function addServiceRedirects(sets: ElementSets, plan: DatapathPlan): Issue[] {
  return plan.serviceRedirects.flatMap(({ address, port, proxyPort }, index) => {
    if (!isIpv4(address)) return [];
    if (!isPort(port) || !isPort(proxyPort)) {
      return [
        { path: `datapath.serviceRedirects[${index}]`, message: `port ${port} to ${proxyPort}`, allowed: '1 to 65535' },
      ];
    }
    const frontend = `${address} . tcp . ${port}`;
    sets.add('taken_frontends', frontend);
    sets.add('service_redirects', frontend, `goto ${redirectChain(proxyPort, 'egress', 0)}`);
    return [];
  });
}
