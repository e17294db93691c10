import { formatIssue, type Issue } from '../base/index.ts';
import { decodePolicy, type PolicyObject } from '../model/cilium/index.ts';
import { unsupportedFeatures } from '../policy/index.ts';
import { compareText } from './cluster-view.ts';
import { kept, sameEntries, sameFields, sameItems } from './kept.ts';
import type { ObjectReport } from './node-plan.ts';
import { isRefused, type NamedObject, namedObjects, summary } from './objects.ts';
import { type SecretReference, secretLookup, secretReferences } from './policy-secrets.ts';
import { tlsSecretFaults } from './tls-secrets.ts';
import type { World } from './world.ts';

/** What to say of policies, by `Kind/namespace/name`. */
export type PolicyFaults = ReadonlyMap<string, readonly string[]>;

export interface PlannedPolicies {
  /** In force, sorted by kind, namespace and name. */
  readonly policies: readonly PolicyObject[];
  readonly reports: readonly ObjectReport[];
  /** The objects behind `policies`, by `Kind/namespace/name`. */
  readonly lastGood: ReadonlyMap<string, unknown>;
}

/** `plannedPolicies`, which is the same object again for as long as what it depends on is the same. */
export function createPoliciesStage(): (world: World) => PlannedPolicies {
  const nothing = new Map<string, never>();
  const planned = kept(
    (
      policies: World['policies'],
      config: World['config'],
      secrets: World['secrets'],
      lastGood: ReadonlyMap<string, unknown>,
      refused: NonNullable<World['refused']>,
    ) => plannedPolicies({ policies, config, secrets, lastGood, refused }),
    [sameItems, sameFields, sameItems, sameEntries, sameEntries],
  );
  return ({ policies, config, secrets, lastGood = nothing, refused = nothing }) =>
    planned(policies, config, secrets, lastGood, refused);
}

type Judged = Pick<World, 'policies' | 'config' | 'secrets' | 'lastGood' | 'refused'>;

/** Decodes the world's policies. One that cannot be enforced whole is left out, or stays as it was when it last could. */
export function plannedPolicies(world: Judged): PlannedPolicies {
  const policies: PolicyObject[] = [];
  const reports: ObjectReport[] = [];
  const lastGood = new Map<string, unknown>();
  for (const object of namedObjects(world.policies)) {
    const judged = judgeObject(object, world);
    const before = judged.policy ? undefined : world.lastGood?.get(object.key);
    const fallback = before === undefined ? undefined : judge(before, world.config).policy;
    const policy = judged.policy ?? fallback;
    if (policy) {
      policies.push(policy);
      lastGood.set(object.key, judged.policy ? object.raw : before);
    }
    reports.push(report(object, judged, world, fallback !== undefined));
  }
  return { policies: policies.sort(comparePolicies), reports, lastGood };
}

/** The Secrets that policies name, those of policies that cannot be enforced included, so that what is wrong with them can be said. */
export function policySecrets({
  policies,
  config,
  lastGood = new Map(),
}: Pick<World, 'policies' | 'config' | 'lastGood'>): readonly SecretReference[] {
  return secretReferences(
    [...policies, ...lastGood.values()].flatMap((raw) => {
      const { policy, decoded } = judge(raw, config);
      return policy ?? decoded ?? [];
    }),
  );
}

interface Judgement {
  readonly policy?: PolicyObject;
  /** As far as it could be decoded, although it cannot be enforced. */
  readonly decoded?: PolicyObject;
  readonly reason: 'Valid' | 'Invalid' | 'Unsupported' | 'Refused';
  readonly issues: readonly Issue[];
}

type Settings = Pick<World['config'], 'nodeSelectorLabels'>;

function judgeObject(object: NamedObject, world: Judged): Judgement {
  const refusal = world.refused?.get(object.key);
  if (!isRefused(object, refusal)) return judge(object.raw, world.config);
  return { reason: 'Refused', issues: [{ path: '', message: `the data plane refuses it: ${refusal.message}` }] };
}

const judgements = new WeakMap<object, { readonly nodeSelectorLabels: boolean; readonly judgement: Judgement }>();

/** Decoding depends on the object and a setting, so it is kept as long as these. */
function judge(raw: unknown, { nodeSelectorLabels }: Settings): Judgement {
  if (typeof raw !== 'object' || raw === null) return decode(raw, { nodeSelectorLabels });
  const known = judgements.get(raw);
  if (known?.nodeSelectorLabels === nodeSelectorLabels) return known.judgement;
  const judgement = decode(raw, { nodeSelectorLabels });
  judgements.set(raw, { nodeSelectorLabels, judgement });
  return judgement;
}

function decode(raw: unknown, settings: Settings): Judgement {
  const decoded = decodePolicy(raw, settings);
  if (!decoded.ok) return { reason: 'Invalid', issues: decoded.error };
  const unsupported = unsupportedFeatures(decoded.value);
  if (unsupported.length > 0) return { decoded: decoded.value, reason: 'Unsupported', issues: unsupported };
  return { policy: decoded.value, reason: 'Valid', issues: [] };
}

function report(
  { kind, namespace, name }: NamedObject,
  { policy, decoded, reason, issues }: Judgement,
  { config, secrets }: Judged,
  fallback: boolean,
): ObjectReport {
  const faults = [...(decoded ? tlsSecretFaults(decoded, secretLookup(secrets)) : []), ...issues.map(formatIssue)];
  const message = policy ? validMessage(policy, config.enableHostFirewall) : summary(faults, fallback);
  const status = policy ? 'True' : 'False';
  return {
    kind,
    ...(namespace !== undefined && { namespace }),
    name,
    condition: { type: 'Valid', status, reason, message },
  };
}

/** Faults of one map after those of the other. */
export function mergedFaults(...maps: readonly PolicyFaults[]): PolicyFaults {
  const merged = new Map<string, readonly string[]>();
  for (const [key, own] of maps.flatMap((map) => [...map])) merged.set(key, [...(merged.get(key) ?? []), ...own]);
  return merged;
}

/** The reports with what parts of their policies cannot do at the moment, by `Kind/namespace/name`. */
export function withFaults(reports: readonly ObjectReport[], faults: PolicyFaults): readonly ObjectReport[] {
  if (faults.size === 0) return reports;
  return reports.map((one) => {
    const own = faults.get(`${one.kind}/${one.namespace ?? ''}/${one.name}`);
    if (!own?.length || one.condition.status === 'False') return one;
    const message = `${summary(own, false)}; the rest of the policy is in force`;
    return { ...one, condition: { ...one.condition, status: 'False', reason: 'Incomplete', message } };
  });
}

/** As Cilium does, a rule for nodes is valid without the host firewall, and has no effect. */
function validMessage({ rules }: PolicyObject, hostFirewall: boolean): string {
  const idle = !hostFirewall && rules.some(({ subject }) => subject.kind === 'nodes');
  const valid = 'Policy validation succeeded';
  return idle ? `${valid}; rules with a nodeSelector have no effect: enable-host-firewall is false` : valid;
}

/** `Kind/namespace/name`, the namespace empty where there is none. */
export function keyOfPolicy({ kind, namespace, name }: Pick<PolicyObject, 'kind' | 'namespace' | 'name'>): string {
  return `${kind}/${namespace ?? ''}/${name}`;
}

function comparePolicies(a: PolicyObject, b: PolicyObject): number {
  return (
    compareText(a.kind, b.kind) || compareText(a.namespace ?? '', b.namespace ?? '') || compareText(a.name, b.name)
  );
}
