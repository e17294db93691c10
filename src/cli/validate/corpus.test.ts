import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { validateSources } from './command.ts';

/** Manifests of Cilium and of the walk-through as their projects published them; they are no part of this repository. */
const corpus = process.env['CILIATE_TEST_DATA'] ?? '/work/shared/data';
const skip = existsSync(corpus)
  ? false
  : `${corpus} is absent (set CILIATE_TEST_DATA): published manifests are not checked`;

/** Every file with faults, and where they are: `line:path`. All other files have none. */
const expected: Readonly<Record<string, readonly string[]>> = {
  // Kinds that this cluster does not serve.
  'connectivity-manifests/bgp-peering-policy.yaml': ['3:kind'],
  'connectivity-manifests/echo-ingress-from-client-tiered-wildcard-pass-l7.yaml': ['2:kind'],
  'connectivity-manifests/local-redirect-policy.yaml': ['2:kind'],
  'walkthrough/ca-issuer.yaml': ['2:kind', '10:kind', '26:kind'],
  // Fields that Cilium has dropped, or never had: `description` stands beside `spec`.
  'policies/auth/auth.yaml': ['13:spec.egress[0].auth'],
  'policies/host/lock-down-ingress.yaml': ['3:description'],
  'policies/kubernetes/clustermesh/cross-cluster-policy.yaml': ['5:metadata.description'],
  'policies/kubernetes/clusterwide/wildcard-from-endpoints.yaml': ['3:description'],
  'policies/l3/host/host-policy.yaml': ['3:description'],
  'policies/l7/kafka/kafka-role.yaml': ['19:spec.ingress[0].toPorts[0].rules.kafka'],
  'policies/l7/kafka/kafka.yaml': ['3:description', '19:spec.ingress[0].toPorts[0].rules.kafka'],
  // Documents that never validated.
  'policies/l3/entities/from_nodes.yaml': ['1:apiVersion'],
  'policies/l3/match-expressions/and-statement.yaml': [
    '11:spec.ingress[0].fromEndpoints[0].matchExpressions[0].operator',
    '15:spec.ingress[0].fromEndpoints[0].matchExpressions[1].operator',
  ],
  'policies/l3/match-expressions/or-statement.yaml': [
    '11:spec.ingress[0].fromEndpoints[0].matchExpressions[0].operator',
    '16:spec.ingress[0].fromEndpoints[1].matchExpressions[0].operator',
  ],
};

test('published manifests have exactly the faults that are known', { skip }, () => {
  const found: Record<string, readonly string[]> = {};
  let objects = 0;
  for (const folder of ['policies', 'connectivity-manifests', 'walkthrough']) {
    for (const name of readdirSync(path.join(corpus, folder), { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.yaml')) continue;
      const text = fillTemplate(readFileSync(path.join(corpus, folder, name), 'utf8'));
      const result = validateSources([{ name, text }]);
      objects += result.objects;
      if (result.faults.length > 0) {
        found[`${folder}/${name}`] = result.faults.map((fault) => `${fault.position?.line}:${fault.path}`);
      }
    }
  }
  assert.deepEqual(found, expected);
  assert.ok(objects > 150, `${objects} objects`);
});

/** Values for the variables of the connectivity test's manifests. */
const values: Readonly<Record<string, string>> = {
  TestNamespace: 'cilium-test',
  ClusterNameLocal: 'ciliate',
  ClusterNameRemote: 'other',
  ExternalTarget: 'one.one.one.one.',
  ExternalOtherTarget: 'k8s.io.',
  ExternalTargetCANamespace: 'cilium-test',
  ExternalTargetCAName: 'cabundle',
  ExternalCIDRv4: '203.0.113.0/24',
  ExternalCIDRv6: '2001:db8::/32',
  ExternalIPv4: '203.0.113.10',
  ExternalIPv6: '2001:db8::10',
  ExternalOtherIPv4: '203.0.113.11',
  ExternalOtherIPv6: '2001:db8::11',
  ExternalDeploymentPort: '8080',
  K8sCIDR: '172.30.0.0/24',
};

/** Renders the little of Go's templates that those manifests use; lines stay where they are. One round of each `range`. */
function fillTemplate(text: string): string {
  return text
    .replaceAll(/^[ \t]*\{\{-?\s*(?:range [^}]*|end)\s*-?\}\}[ \t]*$/gm, '')
    .replaceAll(/\{\{\s*\$i\.IP\s*\}\}\/\{\{\s*\$i\.Mask\s*\}\}/g, '172.30.0.9/32')
    .replaceAll(/\{\{\s*trimSuffix \(generateDNSMatchPatternWithWildcard [^)]*\) "\."\s*\}\}/g, '*.one.one')
    .replaceAll(/\{\{\s*\.\s*\}\}/g, '172.30.0.9/32')
    .replaceAll(/\{\{\s*(?:trimSuffix )?\.(\w+)( "\.")?\s*(?:\|\s*ipToCIDR\s*)?\}\}/g, fillVariable);
}

function fillVariable(whole: string, name: string, suffix: string | undefined): string {
  const value = values[name] ?? whole;
  if (whole.includes('ipToCIDR')) return `${value}/${value.includes(':') ? 128 : 32}`;
  return suffix === undefined ? value : value.replace(/\.$/, '');
}
