import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { formatIssue } from '../../base/index.ts';
import { decodePolicy } from '../../model/cilium/index.ts';
import { parseManifests } from '../manifests.ts';
import { validateSources } from './command.ts';

/** Manifests of Cilium and of the walk-through as their projects published them; they are no part of this repository. */
const corpus = process.env['CILIATE_TEST_DATA'] ?? '/work/shared/data';
const skip = existsSync(corpus)
  ? false
  : `${corpus} is absent (set CILIATE_TEST_DATA): published manifests are not checked`;

/**
 * Files that the API server refuses, with every reason: `line:path: message`. Every other file in `fileCounts` is accepted, and
 * its policies decode.
 */
const refused: Readonly<Record<string, readonly string[]>> = {
  // Kinds that this cluster does not serve.
  'connectivity-manifests/bgp-peering-policy.yaml': [
    '3:kind: no matches for kind "CiliumBGPPeeringPolicy" in version "cilium.io/v2alpha1"',
  ],
  'connectivity-manifests/echo-ingress-from-client-tiered-wildcard-pass-l7.yaml': [
    '2:kind: no matches for kind "ClusterNetworkPolicy" in version "policy.networking.k8s.io/v1alpha2"',
  ],
  'connectivity-manifests/local-redirect-policy.yaml': [
    '2:kind: no matches for kind "CiliumLocalRedirectPolicy" in version "cilium.io/v2"',
  ],
  'walkthrough/ca-issuer.yaml': [
    '2:kind: no matches for kind "Issuer" in version "cert-manager.io/v1"',
    '10:kind: no matches for kind "Certificate" in version "cert-manager.io/v1"',
    '26:kind: no matches for kind "Issuer" in version "cert-manager.io/v1"',
  ],
  // `apiversion` instead of `apiVersion`.
  'policies/l3/entities/from_nodes.yaml': ['1:apiVersion: Required value'],
  // Operators are case-sensitive, and the schema speaks before Cilium does.
  'policies/l3/match-expressions/and-statement.yaml': [
    '11:spec.ingress[0].fromEndpoints[0].matchExpressions[0].operator: Unsupported value: "in"',
    '15:spec.ingress[0].fromEndpoints[0].matchExpressions[1].operator: Unsupported value: "in"',
  ],
  'policies/l3/match-expressions/or-statement.yaml': [
    '11:spec.ingress[0].fromEndpoints[0].matchExpressions[0].operator: Unsupported value: "in"',
    '16:spec.ingress[0].fromEndpoints[1].matchExpressions[0].operator: Unsupported value: "in"',
  ],
};

/**
 * Accepted files with fields that Cilium 1.20 does not have: the API server leaves them out, `kubectl` and `ciliate validate`
 * tell of them. What is left of `auth.yaml` and of the Kafka rules is a plain allow.
 */
const pruned: Readonly<Record<string, readonly string[]>> = {
  'policies/auth/auth.yaml': ['13:spec.egress[0].auth'],
  'policies/host/lock-down-ingress.yaml': ['3:description'],
  'policies/kubernetes/clustermesh/cross-cluster-policy.yaml': ['5:metadata.description'],
  'policies/kubernetes/clusterwide/wildcard-from-endpoints.yaml': ['3:description'],
  'policies/l3/host/host-policy.yaml': ['3:description'],
  'policies/l7/kafka/kafka-role.yaml': ['19:spec.ingress[0].toPorts[0].rules.kafka'],
  'policies/l7/kafka/kafka.yaml': ['3:description', '19:spec.ingress[0].toPorts[0].rules.kafka'],
};

const fileCounts = { policies: 55, 'connectivity-manifests': 100, walkthrough: 22 };
const policyKinds = ['CiliumNetworkPolicy', 'CiliumClusterwideNetworkPolicy', 'NetworkPolicy'];

test('published manifests are accepted, or refused in the words that are known', { skip }, () => {
  const found: Record<'refused' | 'pruned', Record<string, readonly string[]>> = { refused: {}, pruned: {} };
  const counts: Record<string, number> = {};
  for (const { name, text } of corpusFiles()) {
    const folder = name.slice(0, name.indexOf('/'));
    counts[folder] = (counts[folder] ?? 0) + 1;
    const { faults } = validateSources([{ name, text }]);
    const unknown = faults.filter(({ path: place, message }) => message === `unknown field "${place}"`);
    const others = faults.filter((fault) => !unknown.includes(fault));
    const at = (fault: (typeof faults)[number]) => `${fault.position?.line}:${fault.path}`;
    if (unknown.length > 0) found.pruned[name] = unknown.map(at);
    if (others.length > 0) found.refused[name] = others.map((fault) => `${at(fault)}: ${fault.message}`);
  }
  assert.deepEqual(found, { refused, pruned });
  assert.deepEqual(counts, fileCounts);
});

test('every policy in an accepted file decodes', { skip }, () => {
  let policies = 0;
  for (const { name, text } of corpusFiles()) {
    if (name in refused) continue;
    for (const { object } of parseManifests({ name, text }).manifests) {
      const kind = (object as { readonly kind?: string }).kind ?? '';
      if (!policyKinds.includes(kind)) continue;
      const decoded = decodePolicy(object);
      assert.ok(decoded.ok, `${name}: ${decoded.ok ? '' : decoded.error.map(formatIssue).join('; ')}`);
      policies++;
    }
  }
  assert.equal(policies, 160);
});

function corpusFiles(): readonly { readonly name: string; readonly text: string }[] {
  return Object.keys(fileCounts).flatMap((folder) =>
    readdirSync(path.join(corpus, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.yaml'))
      .map((name) => ({
        name: `${folder}/${name}`,
        text: fillTemplate(readFileSync(path.join(corpus, folder, name), 'utf8')),
      })),
  );
}

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
