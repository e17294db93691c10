import { formatCidr, type Labels, parseCidr } from '../../base/index.ts';
import { createFaults, type Faults, type Fields, fieldsAt, isFields, listAt, quoted } from './faults.ts';

/** A CiliumCIDRGroup: prefixes outside the cluster that policies name as one. */
export interface CidrGroup {
  readonly name: string;
  readonly labels: Labels;
  /** `a.b.c.d/n` or IPv6, host bits masked away; each once. */
  readonly prefixes: readonly string[];
}

/**
 * Decodes a CiliumCIDRGroup; undefined when it has no name. A prefix that is none is left out, as Cilium's agent does; the
 * API server refuses it.
 */
export function decodeCidrGroup(object: unknown): CidrGroup | undefined {
  if (!isFields(object)) return undefined;
  const faults = createFaults();
  const metadata = fieldsAt(faults, object, 'metadata', '') ?? {};
  const { name } = metadata;
  if (typeof name !== 'string' || name === '') return undefined;
  const labels = Object.entries(fieldsAt(faults, metadata, 'labels', 'metadata') ?? {}).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  return { name, labels: Object.fromEntries(labels), prefixes: [...new Set(readPrefixes(faults, object))] };
}

/** Adds a fault for every prefix of the group that is none. */
export function readPrefixes(faults: Faults, group: Fields): readonly string[] {
  const spec = fieldsAt(faults, group, 'spec', '') ?? {};
  return (listAt(faults, spec, 'externalCIDRs', 'spec') ?? []).flatMap((value, position) => {
    const cidr = typeof value === 'string' ? parseCidr(value) : undefined;
    if (cidr) return [formatCidr(cidr)];
    faults.add(`spec.externalCIDRs[${position}]`, `found ${quoted(value)}`, 'a prefix such as 10.0.0.0/8');
    return [];
  });
}
