import { compileLabelFilter, compileNodeLabelFilter } from '../policy/index.ts';
import { defaultMonitorAggregation, monitorAggregationOf } from './monitor-aggregation.ts';
import type { AgentConfig, ConfigMap } from './world.ts';

/** A value of `cilium-config` that is not understood, and what would be. */
export interface ConfigFault {
  readonly key: string;
  readonly value: string;
  readonly allowed: readonly string[];
}

const defaultConfig: AgentConfig = {
  datapathMode: 'vxlan',
  enableEnvoyConfig: true,
  enableHostFirewall: false,
  enablePolicy: 'default',
  enableNonDefaultDenyPolicies: true,
  nodeSelectorLabels: false,
  allowLocalhost: true,
  labels: '',
  nodeLabels: '',
  policyAuditMode: false,
  policyDenyResponse: 'none',
  http403Message: '',
  envoySecretsNamespace: 'cilium-secrets',
  monitorAggregation: defaultMonitorAggregation,
  serviceCidr: '10.96.0.0/16',
};

/**
 * The agent's settings from the `kube-system/cilium-config` ConfigMap, under Cilium's own keys:
 * `routing-mode` (tunnel|native), `enable-envoy-config`, `enable-host-firewall`, `enable-policy`, `enable-non-default-deny-policies`,
 * `enable-node-selector-labels`, `allow-localhost` (auto|always|policy; auto is always, as in Cilium on Kubernetes), `labels`, `node-labels`,
 * `policy-audit-mode`, `policy-deny-response` (none|icmp), `http-403-msg`, `envoy-secrets-namespace`, `monitor-aggregation` with `-interval` and `-flags`, `ipv4-service-range`.
 * A value that is not understood keeps the default and is told to `onFault`.
 */
export function configOf(map: ConfigMap | undefined, onFault: (fault: ConfigFault) => void): AgentConfig {
  const data = map?.data ?? {};
  const choose = <T extends string>(key: string, allowed: readonly T[], fallback: T): T => {
    const value = data[key];
    const found = allowed.find((one) => one === value);
    if (value !== undefined && found === undefined) onFault({ key, value, allowed });
    return found ?? fallback;
  };
  return {
    datapathMode: choose('routing-mode', ['tunnel', 'native'], 'tunnel') === 'native' ? 'direct' : 'vxlan',
    enableEnvoyConfig: choose('enable-envoy-config', ['true', 'false'], 'true') === 'true',
    enableHostFirewall: choose('enable-host-firewall', ['true', 'false'], 'false') === 'true',
    enablePolicy: choose('enable-policy', ['default', 'always', 'never'], 'default'),
    enableNonDefaultDenyPolicies: choose('enable-non-default-deny-policies', ['true', 'false'], 'true') === 'true',
    nodeSelectorLabels: choose('enable-node-selector-labels', ['true', 'false'], 'false') === 'true',
    allowLocalhost: choose('allow-localhost', ['auto', 'always', 'policy'], 'auto') !== 'policy',
    labels: labelsOf('labels', data, compileLabelFilter, onFault),
    nodeLabels: labelsOf('node-labels', data, compileNodeLabelFilter, onFault),
    policyAuditMode: choose('policy-audit-mode', ['true', 'false'], 'false') === 'true',
    policyDenyResponse: choose('policy-deny-response', ['none', 'icmp'], 'none'),
    http403Message: data['http-403-msg'] ?? defaultConfig.http403Message,
    envoySecretsNamespace: data['envoy-secrets-namespace'] ?? defaultConfig.envoySecretsNamespace,
    monitorAggregation: monitorAggregationOf(data, onFault),
    serviceCidr: data['ipv4-service-range'] ?? defaultConfig.serviceCidr,
  };
}

function labelsOf(
  key: 'labels' | 'node-labels',
  data: Readonly<Record<string, string>>,
  compile: typeof compileLabelFilter,
  onFault: (fault: ConfigFault) => void,
): string {
  const value = data[key] ?? '';
  const filter = compile(value);
  if (filter.ok) return value;
  onFault({ key, value, allowed: [`expressions (RE2) apart by spaces, each [SOURCE:][!]KEY: ${filter.error}`] });
  return '';
}
